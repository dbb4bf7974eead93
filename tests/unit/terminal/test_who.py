from __future__ import annotations

import os
import pwd
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bot.terminal.who import uid_at_terminal
from ops.people.local_users import login_of

if TYPE_CHECKING:
    from pathlib import Path

ALICE, BOB, BOT, ROOT, NOBODY_LOGGED_IN = 1001, 1002, 990, 0, 2**32 - 1
SAY = "from bot.terminal.who import person_at_terminal as who; print(who().label)"


def machine(proc: Path, uids: list[int], login: int = NOBODY_LOGGED_IN) -> Path:
    """Make what the kernel says of this process and of those that it descends from, nearest first."""
    for number, uid in enumerate(uids):
        folder = proc / ("self" if number == 0 else str(100 + number))
        folder.mkdir()
        (folder / "status").write_text(
            f"Name:\tsharpnet\nPid:\t{99 + number}\nPPid:\t{101 + number}\nTracerPid:\t0\nUid:\t{uid}\t0\t0\t0\n"
        )
    (proc / "self" / "loginuid").write_text(str(login))
    return proc


@pytest.mark.parametrize(
    ("uids", "login", "sudo_uid", "found"),
    [
        ([ALICE, ALICE, ROOT], NOBODY_LOGGED_IN, None, ALICE),
        ([BOT, ROOT, ALICE, ROOT], NOBODY_LOGGED_IN, str(ALICE), ALICE),
        ([BOT, ROOT, ALICE, ROOT], ALICE, None, ALICE),
        ([ROOT, ROOT, ALICE], ALICE, str(BOB), ALICE),
        ([ROOT, ROOT], NOBODY_LOGGED_IN, None, ROOT),
        ([ROOT, ROOT], NOBODY_LOGGED_IN, str(BOB), ROOT),
        ([ALICE, ALICE, ROOT], NOBODY_LOGGED_IN, str(BOB), ALICE),
        ([ALICE, ALICE, ROOT], BOB, None, ALICE),
        ([BOT, ROOT, ALICE, ROOT], BOB, str(BOB), BOT),
        ([ALICE], NOBODY_LOGGED_IN, "0x3ea", ALICE),
        ([ALICE], NOBODY_LOGGED_IN, "", ALICE),
    ],
    ids=[
        "a login of one's own",
        "by sudo to the bot's user",
        "by su to the bot's user",
        "the login outlives a sudo in between",
        "root",
        "root says that it is somebody else",
        "somebody says in the environment that they are somebody else",
        "somebody has written another number to a loginuid that nobody had set",
        "both",
        "no number",
        "an empty one",
    ],
)
def test_who_sits_there_is_whom_the_kernel_knows(
    tmp_path: Path, uids: list[int], login: int, sudo_uid: str | None, found: int
) -> None:
    environ = {"LOGNAME": "bob", "USER": "bob", "SUDO_USER": "bob"}
    if sudo_uid is not None:
        environ["SUDO_UID"] = sudo_uid
    assert uid_at_terminal(machine(tmp_path, uids, login), environ) == found


def test_where_the_kernel_says_nothing_nobody_is_named(tmp_path: Path) -> None:
    assert uid_at_terminal(tmp_path, {"SUDO_UID": str(BOB)}) is None


def test_processes_that_descend_from_each_other_in_a_circle_end_the_question(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text(f"PPid:\tself\nPPid:\t7\nUid:\t{ALICE}\t0\n")
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text(f"PPid:\t7\nUid:\t{ALICE}\t0\n")
    assert uid_at_terminal(tmp_path, {"SUDO_UID": str(BOB)}) == ALICE


def test_names_in_the_environment_make_nobody_somebody_else() -> None:
    own = pwd.getpwuid(os.getuid()).pw_name
    for name in ("alice", "bob"):
        environ = {**os.environ, "LOGNAME": name, "USER": name, "LNAME": name, "USERNAME": name, "SUDO_USER": name}
        said = subprocess.run([sys.executable, "-c", SAY], env=environ, check=True, capture_output=True, text=True)
        assert said.stdout == f"terminal:{own}\n"


def test_a_user_without_a_name_is_named_by_number() -> None:
    assert login_of(3_999_999) == "3999999"
