"""Secrets of every kind, all faults that the lab can play, and then all that was written: none stands anywhere."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import pytest
from backup.harness import offsite
from scenario.faults import FAULTS, befallen
from scenario.harness import ALICE, SHARPNET, OpsRoom, much_looked_at

from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.slack import LocalSlack

A_MOMENT_S = 1.5
LINE_S = 120.0
# Made anew each time: no copy of this file holds them.
CANARY = token_hex(6)
HOOK, NO_ROUTE, ALERTS = f"hook-{CANARY}", f"nobody-{CANARY}", f"alerts-{CANARY}"
GIVEN = {
    "SLACK_BOT_TOKEN": f"xoxb-{CANARY}",
    "SLACK_APP_TOKEN": f"xapp-{CANARY}",
    "OPS_HOOK": f"json://bot:{HOOK}@127.0.0.1:9/x",
    "OPS_ODD": f"{NO_ROUTE}:what no route is",
}
# What is in the environment of a bot that was set up wrongly: as secret as what should be there.
WRONG = {
    "SHARPNET_TSIG": f"{CANARY}: this is not base64!",
    "SHARPNET_TEST_RESTIC": f"wrong-restic-{CANARY}",
    "SKIS_PASSWORD": f"wrong-{CANARY}'\"\\",
    "OPS_HOOK": f"jsons://wrong:hook-wrong-{CANARY}@127.0.0.1:99999999/",
}
LINES = (
    "status", "sites", "dns", "store", "history --last 1000 --json", "check --live", "sync --all",
    "sync --dry-run --all", "backup run", "backup list", "backup verify", "failback oslo",
)  # fmt: skip
# Each of these uses one of the secrets at least.
USING = ("check --live", "backup run ceviche.example", "sync ski.example", "failover oslo", "dns")
# What meets a fault on its way; the others are met by the looks alone.
COPYING = ("sync --all", "backup run ceviche.example")
MET = dict.fromkeys(("killed", "frozen", "cut-off", "full-disk"), COPYING)
DATABASE = {
    "engine": "mysql",
    "name": "ski",
    "socket": "/run/{server}.sock",
    "user": "skis",
    "password": "env:SKIS_PASSWORD",
}


def with_every_secret(tree: dict[str, Any]) -> None:
    """Have the fleet use a secret of each kind."""
    much_looked_at(tree)
    tree["offsite"] = {**offsite(tree), "path": "/srv/vault/canary", "keep": {"daily": 7}}
    tree["notify"] = ["env:OPS_HOOK", "env:OPS_ODD"]
    tree["web"] = {"port": int(os.environ["CANARY_PORT"]), "alertmanager": "file:alertmanager"}
    tree["sites"]["ski.example"]["databases"] = [DATABASE]


class Arguments:
    """Reads the arguments of every process of this machine, again and again, as others on a server can."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._ended.wait(0.02):
            for process in (one for one in Path("/proc").iterdir() if one.name.isdecimal()):
                # It may have ended since it was listed.
                with contextlib.suppress(OSError):
                    self.seen.add((process / "cmdline").read_bytes())


def spellings(secret: str) -> list[bytes]:
    """Return how a secret may stand somewhere: as it is, in JSON, in an address, in hexadecimal, in base64."""
    plain = secret.encode()
    as_json, in_address = json.dumps(secret)[1:-1], quote(secret, safe="")
    return [plain, as_json.encode(), in_address.encode(), plain.hex().encode(), base64.b64encode(plain)]


def found_in(secrets: dict[str, str], content: bytes) -> list[str]:
    return [name for name, secret in secrets.items() if any(one in content for one in spellings(secret))]


def files_below(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not (Path(at) / name).is_symlink()]
        files = (Path(at) / name for name in names)
        yield from (file for file in files if file.is_file() and not file.is_symlink())


def holding(secrets: dict[str, str], folder: Path) -> set[tuple[Path, str]]:
    """Return the files below a folder that hold a secret, and which."""
    found = set()
    for file in files_below(folder):
        try:
            found |= {(file, name) for name in found_in(secrets, file.read_bytes())}
        except OSError:
            continue
    return found


@pytest.fixture
def canary_room(
    tmp_path: Path, slack: LocalSlack, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpsRoom]:
    """Give a room whose fleet has a secret of each kind."""
    monkeypatch.setenv("CANARY_PORT", str(free_port()))
    folder = tmp_path / "fleet"
    fleet_file = write_small_fleet(folder, next(address_blocks()), with_every_secret)
    (folder / "alertmanager").write_text(f"{ALERTS}\n")
    (folder / "alertmanager").chmod(0o600)
    with Lab(fleet_file, folder / ".lab") as lab:
        (tmp_path / "bot").mkdir()
        yield OpsRoom(lab, fleet_file, slack, tmp_path / "bot", {**GIVEN, "LOG_LEVEL": "DEBUG"})


def secrets_of(room: OpsRoom) -> dict[str, str]:
    """Return each secret that the bot has, by what it is."""
    fleet = room.fleet_file.parent
    files = {file.name: file.read_text() for file in (fleet / "keys").iterdir()}
    # A line from the middle of a private key: what comes before it is the public half.
    keys = {name: text.splitlines()[4] for name, text in files.items() if text.startswith("-----BEGIN")}
    assert "bot" in keys
    wrong = {f"wrong {name}": value for name, value in WRONG.items()}
    given = {**room.lab.env, **GIVEN, "OPS_HOOK": HOOK, "OPS_ODD": NO_ROUTE}
    return {**given, **wrong, **keys, "alertmanager": (fleet / "alertmanager").read_text().strip()}


def typed(room: OpsRoom, *lines: str, **environ: str) -> bytes:
    """Type lines in the terminal, all at once, and return all that they wrote."""
    pipe, env = subprocess.PIPE, {**room.env, **environ}
    running = [subprocess.Popen([SHARPNET, *line.split()], env=env, stdout=pipe, stderr=pipe) for line in lines]
    return b"\n".join(piece for one in running for piece in one.communicate(timeout=LINE_S))


def alert(token: str) -> bytes:
    """Post an alert with a token, and return the answer."""
    body = json.dumps({"alerts": [{"labels": {"server": "oslo", "sharpnet": "down"}, "status": "firing"}]}).encode()
    url = f"http://127.0.0.1:{os.environ['CANARY_PORT']}/alertmanager"
    asked = urllib.request.Request(url, body, {"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - likewise
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        return bytes(error.read())


@pytest.mark.timeout(900)
def test_no_secret_is_written_anywhere_whatever_goes_wrong(canary_room: OpsRoom, tmp_path: Path) -> None:
    room = canary_room
    secrets = secrets_of(room)
    before, began_s = holding(secrets, tmp_path), time.time()
    said = {}
    with Arguments() as arguments:
        with room.bot():
            for line in LINES:
                said[line] = typed(room, line)
            for name, fault in FAULTS.items():
                with fault.befalls(room.lab):
                    time.sleep(A_MOMENT_S)
                    said[name] = typed(room, *MET.get(name, ()))
            with befallen(room.lab, room.lab.drop, "oslo"):
                time.sleep(A_MOMENT_S)
                said["failover"] = typed(room, "failover oslo --json")
                room.slack.command(ALICE, "failover oslo")
                time.sleep(A_MOMENT_S)
            said["alerts"] = alert(secrets["alertmanager"]) + alert("somebody's guess")
        for name, value in WRONG.items():
            said[f"wrong {name}"] = typed(room, *USING, **{name: value})
    said["slack"] = json.dumps([room.slack.messages(), room.slack.log()], ensure_ascii=False).encode()
    said["arguments"] = b"\n".join(arguments.seen)
    assert b"oslo is down since" in said["slack"]
    assert {what: found for what, text in said.items() if (found := found_in(secrets, text))} == {}
    assert holding(secrets, tmp_path) - before == set()
    fresh = [one for one in Path("/tmp").iterdir() if one.stat().st_mtime >= began_s]
    ours = [one for one in fresh if one.is_dir() and not one.name.startswith("pytest-")]
    assert {file for one in ours for file in holding(secrets, one)} == set()
