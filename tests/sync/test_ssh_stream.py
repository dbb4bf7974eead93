"""Bytes handed from a command on one server to one on another, through the bot."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, cast

import pytest

from core.errors import TimedOutError, UnreachableError
from ops.contracts import End
from ops.ssh import stream as ssh_stream
from ops.ssh.stream import CUT_OFF

if TYPE_CHECKING:
    import paramiko
    from sync.harness import Rig

pytestmark = pytest.mark.xdist_group("ssh-stream")

BIG = 20_000_000


async def test_every_byte_arrives_in_order_and_errors_stay_apart(rig: Rig) -> None:
    seen: list[int] = []
    make = f"head -c {BIG} /dev/zero | tr '\\0' x; echo made >&2"
    source, sink = await rig.ports.ssh.stream(
        End("oslo", make), End("lima", "sha256sum; echo taken >&2"), timeout_s=60, on_bytes=seen.append
    )
    assert (source.exit_code, source.out, source.err) == (0, b"", b"made\n")
    assert (sink.exit_code, sink.err) == (0, b"taken\n")
    assert sink.out.split()[0].decode() == hashlib.sha256(b"x" * BIG).hexdigest()
    assert seen[-1] == BIG


async def test_each_end_gets_its_secret_first(rig: Rig) -> None:
    line = 'IFS= read -r word; printf "%s;" "$word"; cat'
    _, sink = await rig.ports.ssh.stream(End("oslo", line, b"one\n"), End("lima", line, b"two\n"), timeout_s=20)
    assert sink.out == b"two;one;"


async def test_both_ends_may_be_on_one_server(rig: Rig) -> None:
    _, sink = await rig.ports.ssh.stream(End("lima", "seq 3"), End("lima", "cat"), timeout_s=20)
    assert sink.out == b"1\n2\n3\n"


async def test_what_a_failed_source_wrote_does_not_count(rig: Rig) -> None:
    source, sink = await rig.ports.ssh.stream(End("oslo", "echo half; exit 3"), End("lima", "cat"), timeout_s=20)
    assert (source.exit_code, sink.exit_code) == (3, CUT_OFF)


async def test_a_sink_that_fails_ends_a_source_that_would_go_on_for_hours(rig: Rig) -> None:
    source, sink = await rig.ports.ssh.stream(End("oslo", "yes"), End("lima", "head -c 10; exit 4"), timeout_s=50)
    assert (source.exit_code, sink.exit_code) == (CUT_OFF, 4)
    ran = await rig.ports.ssh.run("oslo", "sleep 1; pgrep -c -x yes", timeout_s=10)
    assert ran.out == b"0\n"


async def test_a_slow_sink_is_not_waited_for_in_memory(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    class Watched(ssh_stream.StreamSide):
        def send(self) -> bool:
            held.append(len(self.to_send))
            return super().send()

    monkeypatch.setattr("ops.ssh.pool.StreamSide", Watched)
    _, sink = await rig.ports.ssh.stream(
        End("oslo", f"head -c {BIG} /dev/zero"), End("lima", "sleep 1; wc -c"), timeout_s=60
    )
    assert int(sink.out) == BIG
    assert max(held) <= ssh_stream.MOST_HELD + 40_000


async def test_what_takes_too_long_is_ended_at_both_ends(rig: Rig) -> None:
    with pytest.raises(TimedOutError, match="longer than 1 s"):
        await rig.ports.ssh.stream(End("oslo", "sleep 60"), End("lima", "cat"), timeout_s=1)


async def test_a_server_that_dies_meanwhile_is_named(own_rig: Rig) -> None:
    lab, ssh = own_rig.lab, own_rig.ports.ssh
    working = asyncio.create_task(
        ssh.stream(End("oslo", "while echo x; do sleep 0.1; done"), End("lima", "cat >/dev/null"), timeout_s=60)
    )
    await asyncio.sleep(1)
    await asyncio.to_thread(lab.drop, "lima")
    with pytest.raises(UnreachableError, match="lima"):
        await working


async def test_giving_it_up_frees_both_servers(rig: Rig) -> None:
    ssh = rig.ports.ssh
    for _ in range(10):
        with pytest.raises((TimeoutError, TimedOutError)):
            async with asyncio.timeout(0.3):
                await ssh.stream(End("oslo", "sleep 5"), End("lima", "sleep 5"), timeout_s=10)
    ran = await asyncio.gather(*(ssh.run("lima", "echo here", timeout_s=10) for _ in range(5)))
    assert {one.out for one in ran} == {b"here\n"}


class Breaking:
    """A channel whose connection breaks in the moment in which something is sent: nothing that can be staged."""

    eof_sent = False

    def send_ready(self) -> bool:
        return True

    def exit_status_ready(self) -> bool:
        return False

    def send(self, _piece: bytes) -> int:
        raise EOFError

    def shutdown_write(self) -> None:
        raise EOFError


def test_a_connection_that_breaks_while_something_is_sent_is_said_with_its_server() -> None:
    side = ssh_stream.StreamSide("oslo", "cat", channel=cast("paramiko.Channel", Breaking()))
    with pytest.raises(UnreachableError, match="oslo ended a command without saying how: the connection broke"):
        side.end_input()
    side.to_send += b"x"
    with pytest.raises(UnreachableError, match="oslo ended a command without saying how: the connection broke"):
        side.send()
