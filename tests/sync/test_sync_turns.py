"""The mirror itself refuses what puts something in place for a run that was overtaken there, or comes too late."""

from __future__ import annotations

import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sync.harness import contents_at
from sync.killed_script import NEVER, Place

from core.failure import FailureCode
from core.sync.failures import failure_of
from ops.durable import engine
from ops.durable.claimed import LEASE, RENEW_S
from ops.gather import hooks
from ops.restic.restore_script import GIVE_UP
from ops.rsync.catch_up import BRING as CATCH_UP
from ops.rsync.reconcile import BRING
from ops.rsync.replaced_script import PUT, PUT_BACK
from ops.rsync.script import FILL, SWAP
from ops.rsync.turn import SEND_WITHIN_S
from ops.work_folder import TAKE_TURN, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIONS = ["-aHAX", "--no-h", "--info=stats2"]
FORGET = "20251201T000000Z"


@dataclass
class Mirror(Place):
    """A mirror and a source as folders of this machine, and the scripts on them, under `shell`."""

    shell: str = "sh"

    def make(self) -> None:
        self.fill_anew({self.folder / "source": {"page": "new"}, self.root: {"page": "before"}})

    def said(self, script: str, *own: str, stdin: bytes = b"") -> str:
        """Run a script and return why it stopped; empty: it did what it was asked."""
        argv = [self.shell, "-c", script, "sharpnet", *self.where, *own]
        ran = subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=60)
        trouble = failure_of(ran.returncode, ran.stderr, source="oslo", mirror="lima")
        assert trouble is None or trouble.refused, ran.stderr
        return "" if trouble is None else str(trouble.code)

    def fill(self, run: str, turn: str) -> str:
        return self.said(FILL, run, run, "linked", turn, *OPTIONS, f"{self.folder}/source/")

    def swap(self, run: str, turn: str, latest: str = NEVER) -> str:
        return self.said(SWAP, run, run, FORGET, turn, latest)

    @property
    def page(self) -> str:
        return (self.root / "page").read_text()


@pytest.fixture(params=["sh", "bash"])
def mirror(request: pytest.FixtureRequest) -> Iterator[Mirror]:
    """Give a mirror whose scripts run under the shell that is there, and under bash."""
    with tempfile.TemporaryDirectory() as folder:
        made = Mirror(Path(folder) / "m", request.param)
        made.make()
        yield made


def test_each_turn_has_a_greater_number_and_the_run_that_took_it(mirror: Mirror) -> None:
    assert [mirror.take_turn(run) for run in ("one", "two", "one")] == ["1 one", "2 two", "3 one"]
    for spoilt in ("", "\n", "x y\n", "-4 one\n"):
        (mirror.work / "turn").write_text(spoilt)
        assert mirror.take_turn("four") == "1 four"


def test_a_turn_says_what_time_it_is_there(mirror: Mirror) -> None:
    argv = ["sh", "-c", TAKE_TURN, "sharpnet", *mirror.where, "one", ""]
    before = int(time.time())
    name, now = subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout.decode().splitlines()
    assert (name, before <= int(now) <= time.time()) == ("1 one", True)


def test_a_copy_that_was_ready_is_not_put_in_place_once_another_run_has_begun(mirror: Mirror) -> None:
    first = mirror.take_turn("one")
    assert mirror.fill("one", first) == ""
    second = mirror.take_turn("two")
    assert mirror.swap("one", first) == FailureCode.OVERTAKEN
    assert mirror.fill("one", first) == FailureCode.OVERTAKEN
    assert mirror.page == "before"
    assert (mirror.fill("two", second), mirror.swap("two", second)) == ("", "")
    assert mirror.page == "new"


def test_a_run_of_the_same_name_that_began_again_overtakes_its_first_self(mirror: Mirror) -> None:
    first = mirror.take_turn("one")
    assert mirror.fill("one", first) == ""
    second = mirror.take_turn("one")
    assert mirror.swap("one", first) == FailureCode.OVERTAKEN
    assert mirror.swap("one", second) == ""


def test_an_exchange_is_refused_after_its_latest_second_and_done_within_it(mirror: Mirror) -> None:
    turn = mirror.take_turn("one")
    assert mirror.fill("one", turn) == ""
    assert mirror.swap("one", turn, str(int(time.time()) - 1)) == FailureCode.TOO_LATE
    assert mirror.page == "before"
    assert mirror.swap("one", turn, str(int(time.time()) + 5)) == ""
    assert mirror.page == "new"


@pytest.mark.parametrize("script", [BRING, CATCH_UP, PUT_BACK])
def test_whatever_writes_into_served_content_is_refused_when_overtaken_and_when_late(
    mirror: Mirror, script: str
) -> None:
    (mirror.work / "replaced/before").mkdir(parents=True)
    (mirror.work / "replaced/before/page").write_text("kept")
    before = contents_at(mirror.root)

    def said(turn: str, latest: str) -> str:
        if script is PUT_BACK:
            return mirror.said(script, "before", "undo", turn, latest, PUT)
        return mirror.said(script, "keep", turn, latest, *OPTIONS, f"{mirror.folder}/source/")

    first = mirror.take_turn("keep")
    second = mirror.take_turn("another")
    assert said(first, NEVER) == FailureCode.OVERTAKEN
    assert said(second, str(int(time.time()) - 1)) == FailureCode.TOO_LATE
    assert contents_at(mirror.root) == before
    assert said(second, NEVER) == ""


def test_what_a_restore_has_made_is_thrown_away_in_its_own_turn_only(mirror: Mirror) -> None:
    first = mirror.take_turn("one")
    second = mirror.take_turn("two")
    assert mirror.fill("two", second) == ""
    assert mirror.said(GIVE_UP, first) == FailureCode.OVERTAKEN
    assert mirror.swap("two", second) == ""
    assert mirror.page == "new"


def test_a_guarded_command_runs_in_its_turn_and_nobody_takes_another_meanwhile(mirror: Mirror) -> None:
    root, parent, work = mirror.where
    name = mirror.take_turn("one")

    def ran(name: str, latest: int, command: str) -> tuple[int, bytes, bytes]:
        line = Turn((root, parent, work), name, latest).guarding(f"exec sh -c '{command}' sh")
        done = subprocess.run(
            [mirror.shell, "-c", f"{line} 'a word'"], input=b"in\n", capture_output=True, check=False, timeout=60
        )
        return done.returncode, done.stdout, done.stderr

    soon = int(time.time()) + 60
    assert ran(name, soon, 'cat; printf "%s" "$1"; exit 3') == (3, b"in\na word", b"")
    assert ran(name, soon, f"flock -n {work}/lock true || echo held") == (0, b"held\n", b"")
    assert ran(name, int(time.time()) - 1, "echo done") == (90, b"", b"sharpnet-stop: too-late\n")
    mirror.take_turn("two")
    assert ran(name, soon, "echo done") == (90, b"", b"sharpnet-stop: overtaken\n")


def test_no_turn_is_taken_while_a_phase_of_another_run_works(mirror: Mirror) -> None:
    mirror.take_turn("one")
    with subprocess.Popen(
        ["flock", str(mirror.work / "lock"), "sh", "-c", "echo; read -r _"], stdin=-1, stdout=-1
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert mirror.said(TAKE_TURN, "two", "") == FailureCode.BUSY
        holder.communicate(b"\n")
    assert mirror.turn == "1 one"


def test_a_cutover_takes_its_turn_while_a_phase_works_which_then_puts_nothing_in_place(mirror: Mirror) -> None:
    first = mirror.take_turn("one")
    assert mirror.fill("one", first) == ""
    with subprocess.Popen(
        ["flock", str(mirror.work / "lock"), "sh", "-c", "echo; read -r _"], stdin=-1, stdout=-1
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert mirror.said(TAKE_TURN, "cutover", "at once") == ""
        holder.communicate(b"\n")
    assert mirror.turn == "2 cutover"
    assert mirror.swap("one", first) == FailureCode.OVERTAKEN
    assert mirror.page == "before"


def test_an_exchange_that_is_overtaken_while_it_clears_up_before_it_is_none(mirror: Mirror) -> None:
    first = mirror.take_turn("one")
    assert mirror.fill("one", first) == ""
    cleared = 'remove "$work/old" || exit 1\n'
    overtaken = SWAP.replace(cleared, f"{cleared}printf '2 cutover\\n' >\"$work/turn\"\n")
    assert overtaken != SWAP
    assert mirror.said(overtaken, "one", "one", FORGET, first, NEVER) == FailureCode.OVERTAKEN
    assert mirror.page == "before"


def test_without_the_folder_around_the_root_no_turn_is_taken_unless_it_may_be_made(mirror: Mirror) -> None:
    away = Mirror(mirror.folder / "not there", mirror.shell)
    assert away.said(TAKE_TURN, "one", "") == FailureCode.NO_PARENT
    assert not away.folder.exists()
    assert away.take_turn("one") == "1 one"


def test_what_is_sent_comes_too_late_before_anybody_else_can_have_the_claim() -> None:
    assert LEASE.total_seconds() - RENEW_S > SEND_WITHIN_S
    assert engine.LEASE.total_seconds() - engine.RENEW_S > hooks.BEGIN_WITHIN_S
