"""Servers that write without end, or without being asked (law 14): real sshds, and one that keeps to no rule."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from sync.test_ssh import login, pinned, pool_of
from watch.test_own_lack import no_descriptor

from core.errors import OwnLackError, TooMuchError, UnreachableError
from core.fleet import HostLimits
from ops.checks import all_checks
from ops.contracts import End
from ops.ssh import command as ssh_command
from ops.ssh import files
from ops.ssh.connection import MOST_HELD_BYTES
from ops.ssh.stream import MOST_HELD, MOST_UNASKED, JoinedStream, StreamSide

if TYPE_CHECKING:
    from collections.abc import Iterator

    import paramiko
    from sync.harness import Rig

pytestmark = pytest.mark.xdist_group("ssh")

ENDLESS = "cat /dev/zero"
# What is held, a copy of it while it grows, and what else a test's process takes meanwhile.
MOST_GROWTH_BYTES = 4 * MOST_HELD_BYTES
# A piece of 32 kB: a tenth of what loopback brings.
SLOW_S = 0.0005


def peak_bytes(*, anew: bool = False) -> int:
    """Return the most memory that this process has had, or has it counted anew: of another test nothing counts."""
    if anew:
        # proc(5): 5 sets the peak to what there is now.
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


@pytest.fixture
def endless_login(own_rig: Rig) -> Iterator[Rig]:
    """Have a login script on Oslo print for ever, as one that is broken or not ours any more does."""
    home = own_rig.lab.path_on("oslo", "/home/web")
    script = home / ".bashrc"
    script.write_text(f"{ENDLESS}\n")
    yield own_rig
    script.unlink()


async def test_a_login_script_that_prints_for_ever_is_given_up_and_said_and_memory_stays(endless_login: Rig) -> None:
    before = peak_bytes(anew=True)
    asking = [endless_login.ports.ssh.run("oslo", "true", timeout_s=30) for _ in range(4)]
    for found in await asyncio.gather(*asking, return_exceptions=True):
        assert isinstance(found, TooMuchError)
        assert "what a command there wrote is longer than 64 MB. The rest was not read." in found.message
    assert peak_bytes() - before < MOST_GROWTH_BYTES
    assert (await endless_login.ports.ssh.run("lima", "echo on", timeout_s=10)).out == b"on\n"
    oslo = endless_login.ports.fleet.servers["oslo"]
    looked = replace(oslo, checks=replace(oslo.checks, host=HostLimits()))
    fleet = replace(endless_login.ports.fleet, servers={**endless_login.ports.fleet.servers, "oslo": looked})
    said = await all_checks()["host"].look(replace(endless_login.ports, fleet=fleet), "oslo")
    assert said == ("it writes without end where a command should answer",)


@pytest.mark.parametrize("where", ["", " >&2"])
async def test_a_command_that_writes_for_ever_on_either_way_is_given_up(rig: Rig, where: str) -> None:
    with pytest.raises(TooMuchError):
        await rig.ports.ssh.run("oslo", ENDLESS + where, timeout_s=60)
    assert (await rig.ports.ssh.run("oslo", "echo on", timeout_s=10)).out == b"on\n"


async def test_what_is_given_back_can_be_held_again(rig: Rig) -> None:
    most = f"head -c {MOST_HELD_BYTES} /dev/zero"
    for _ in range(2):
        assert len((await rig.ports.ssh.run("oslo", most, timeout_s=60)).out) == MOST_HELD_BYTES
    with pytest.raises(TooMuchError):
        await rig.ports.ssh.run("oslo", f"{most}; echo", timeout_s=60)


async def test_a_dump_that_complains_for_ever_is_given_up(rig: Rig) -> None:
    with pytest.raises(TooMuchError):
        await rig.ports.ssh.stream(End("oslo", f"{ENDLESS} >&2"), End("lima", "cat >/dev/null"), timeout_s=60)


async def test_a_database_that_answers_a_load_for_ever_is_given_up(rig: Rig) -> None:
    with pytest.raises(TooMuchError):
        await rig.ports.ssh.stream(End("oslo", "sleep 60"), End("lima", ENDLESS), timeout_s=60)


async def test_a_transfer_that_never_stops_ends_at_its_time(rig: Rig) -> None:
    with pytest.raises(UnreachableError, match=r"took longer|did not say"):
        await rig.ports.ssh.stream(End("oslo", f"trap '' TERM; {ENDLESS}"), End("lima", "cat >/dev/null"), timeout_s=1)


async def test_output_that_nobody_keeps_up_with_does_not_pile_up(rig: Rig) -> None:
    under_way = 0

    def slow(piece: bytes) -> None:
        nonlocal under_way
        under_way += len(piece)
        time.sleep(SLOW_S)

    before = peak_bytes(anew=True)
    ran = await rig.ports.ssh.run("oslo", f"head -c {MOST_HELD_BYTES} /dev/zero", timeout_s=60, on_output=slow)
    assert (ran.out, under_way) == (b"", MOST_HELD_BYTES)
    assert peak_bytes() - before < MOST_HELD_BYTES


async def test_a_kept_connection_without_a_descriptor_for_a_command_is_no_broken_one(rig: Rig) -> None:
    assert (await rig.ports.ssh.run("oslo", "true", timeout_s=10)).exit_code == 0
    with no_descriptor(), pytest.raises(OwnLackError):
        await rig.ports.ssh.run("oslo", "true", timeout_s=10)
    assert (await rig.ports.ssh.run("oslo", "true", timeout_s=10)).exit_code == 0


@pytest.mark.parametrize(
    "says",
    [
        # No line ends: paramiko would wait for it, and keep all of it.
        b"x" * 1024,
        # The first packet, by its own account of four gigabytes.
        b"SSH-2.0-x\r\n" + b"\xff\xff\xff\xf8" + b"x" * 1024,
    ],
)
async def test_a_server_that_speaks_ssh_without_measure_is_hung_up_on(rig: Rig, says: bytes, tmp_path: Path) -> None:
    heard = 0

    def serve(listener: socket.socket) -> None:
        nonlocal heard
        one, _ = listener.accept()
        with one:
            try:
                one.sendall(says)
                while heard < 256 * 1024 * 1024:
                    one.sendall(b"x" * 65_536)
                    heard += 65_536
            except OSError:
                return

    with socket.socket() as listener:
        listener.bind((rig.ports.fleet.servers["oslo"].address, 0))
        listener.listen()
        port = listener.getsockname()[1]
        pins = tmp_path / "known_hosts"
        pins.write_text(pinned(rig, port))
        serving = threading.Thread(target=serve, args=(listener,))
        serving.start()
        async with pool_of(login(rig.ports.fleet, port=port, known_hosts=str(pins))) as pool:
            with pytest.raises(UnreachableError, match="not as an SSH server"):
                await pool.run("oslo", "true", timeout_s=10)
        serving.join()
    assert heard < 16 * 1024 * 1024


async def test_output_that_is_read_as_it_comes_has_an_end_too(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_command, "MOST_TOLD_BYTES", 1_000_000)
    told: list[int] = []
    with pytest.raises(TooMuchError, match=r"is longer than 1\.0 MB"):
        await rig.ports.ssh.run("oslo", ENDLESS, timeout_s=60, on_output=lambda piece: told.append(len(piece)))
    assert sum(told) <= 1_000_000
    most = "head -c 1000000 /dev/zero"
    assert (await rig.ports.ssh.run("oslo", most, timeout_s=60, on_output=lambda _piece: None)).exit_code == 0


async def test_a_folder_with_entries_without_end_is_read_so_far_and_what_was_put_is_there(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(files, "MOST_ENTRIES", 3)
    await rig.ports.ssh.run("oslo", "cd /srv/oslo/status && touch a b c d e", timeout_s=10)
    await asyncio.wait_for(rig.ports.ssh.put("oslo", {"/srv/oslo/status/f": b"f"}, timeout_s=10), 20)
    assert (await rig.ports.ssh.run("oslo", "cat /srv/oslo/status/f", timeout_s=10)).out == b"f"
    assert "has more than 3 entries" in caplog.text


class Unasked:
    """A channel on which a server sent far more than its window allows: no server here can be made to do that."""

    in_buffer = bytes(MOST_UNASKED + 1)

    def recv_ready(self) -> bool:
        return True


def test_a_server_that_sends_more_than_it_may_ahead_is_given_up_while_the_other_end_is_slow() -> None:
    giver = StreamSide("oslo", "dump", channel=cast("paramiko.Channel", Unasked()))
    taker = StreamSide("lima", "load", to_send=bytearray(MOST_HELD))
    with pytest.raises(TooMuchError, match="oslo: what it sent before it was asked for is longer"):
        JoinedStream(giver, taker, both_ways=False, deadline_s=1)._hand(giver, taker)
