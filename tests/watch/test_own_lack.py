"""What this machine lacks is never counted as a failure of what is looked at (law 14): the lack is real."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from watch.test_probe import probe_at, serving

from commands import answer
from core.errors import OwnLackError
from core.fleet import Endpoint, SecretRef, Server, SshLogin
from core.fleet.target import Target
from core.incident.notification import AlertKind, Message
from core.people import Person
from ops.checks.icmp import ping
from ops.checks.tcp import ConnectListener
from ops.dns.wire import Connections, over_udp
from ops.notify.routes import NotificationRoutes
from ops.own_lack import own_lack, within
from ops.probe.tcp import talk
from ops.probe.trust import verifying_context
from ops.ssh.keys import pinned_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watch.conftest import SetStage

SHELL = Person("root", "terminal", frozenset())
LOOKS = Path(__file__).with_name("lacking_look.py")
FORBIDDEN = Path(__file__).with_name("forbidden.py")


@contextlib.contextmanager
def no_descriptor() -> Iterator[None]:
    """Take every file descriptor that there is."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for one in taken:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_without_a_descriptor_nobody_is_called_down_by_any_way_of_asking(tmp_path: Path) -> None:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text("")
    login = SshLogin("ops", 22, SecretRef("file", "/keys/bot"), str(known_hosts))
    server = Server("one", "Oslo", login, ipv4="127.0.0.1")
    endpoint = Endpoint("127.0.0.1", 53)
    async with serving(b"SSH-2.0-x\r\n", listen_first=False) as (port, _):
        probe = probe_at(port)
        with no_descriptor():
            for asking in (
                probe.ssh_banner("one", timeout_s=5),
                probe.site(probe._fleet.sites["shop"], "one", timeout_s=5),
                ping("127.0.0.1", timeout_s=5),
                over_udp(endpoint, "ns1", "the SOA", b"x", lambda _answer: None, timeout_s=5),
                Connections(endpoint, 1).lend("ns1", "the SOA", connect_s=5, timeout_s=5).__aenter__(),
            ):
                with pytest.raises(OwnLackError) as found:
                    await asking
                assert found.value.lack == "file descriptors"
            with pytest.raises(OwnLackError):
                pinned_keys(server)
            with pytest.raises(OSError, match="Too many open files"):
                verifying_context()
        assert (await probe.ssh_banner("one", timeout_s=5)).ok


async def test_an_alert_that_no_process_can_be_started_for_is_not_taken_and_ends_nothing() -> None:
    routes = NotificationRoutes(lambda _route: "json://127.0.0.1:9/")
    with no_descriptor():
        attempt = await routes.send(SecretRef("env", "HOOK"), Message("a", "b", AlertKind.FAILURE))
    assert (attempt.taken, attempt.in_doubt) == (False, False)
    assert "file descriptors" in attempt.why


def test_without_a_free_port_nobody_is_called_down() -> None:
    run = subprocess.run(["unshare", "-n", sys.executable, LOOKS], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["free ports", "threads, processes or free ports"]


@pytest.mark.parametrize("call", ["connect", "socket", "execve"])
async def test_what_the_system_denies_this_process_is_nobodys_failure(call: str) -> None:
    async with serving(b"SSH-2.0-x\r\n", listen_first=False) as (port, _):
        process = await asyncio.create_subprocess_exec(
            sys.executable, FORBIDDEN, call, str(port), stdout=subprocess.PIPE
        )
        out, _ = await process.communicate()
    *lacks, alert = out.decode().splitlines()
    if call == "execve":
        assert (lacks[0], lacks[2]) == ("answered", "answered")
        assert "lacks the right to start programs" in alert
    else:
        assert lacks == 3 * ["the right to open connections"]


def test_what_a_packet_filter_may_mean_is_the_targets() -> None:
    assert own_lack(PermissionError(errno.EPERM, "x"), "127.0.0.1") is None
    assert own_lack(PermissionError(errno.EACCES, "x")) is None
    assert own_lack(PermissionError(errno.EACCES, "x"), starting=True) is not None


async def test_a_place_without_a_route_from_here_was_not_looked_at() -> None:
    there = "192.0.2.1"
    for asking in (
        talk(there, 22, ConnectListener(), timeout_s=5),
        over_udp(Endpoint(there, 53), "ns1", "the SOA", b"x", lambda _answer: None, timeout_s=5),
    ):
        with pytest.raises(OwnLackError) as found:
            await asking
        assert found.value.lack == "a network"


def test_what_a_router_far_away_calls_unreachable_is_not_ours() -> None:
    assert own_lack(OSError(errno.ENETUNREACH, "x"), "127.0.0.1") is None
    assert own_lack(OSError(errno.EHOSTUNREACH, "x"), "192.0.2.1") is None


async def test_an_answer_that_came_while_this_process_stood_still_was_not_waited_for() -> None:
    async def wait() -> None:
        async with within(0.2):
            asyncio.get_running_loop().call_soon(time.sleep, 1.5)
            await asyncio.sleep(5)

    with pytest.raises(OwnLackError) as found:
        await wait()
    assert found.value.lack == "processor time"


async def test_a_time_out_in_time_is_one() -> None:
    async def wait() -> None:
        async with within(0.05):
            await asyncio.sleep(5)

    with pytest.raises(TimeoutError):
        await wait()


async def test_while_we_lack_something_nothing_is_down_and_people_are_told_once(set_stage: SetStage) -> None:
    stage = await set_stage()
    stage.start()
    await stage.play(15)
    stage.world.no_descriptor = True
    await stage.play(120)
    assert await stage.titles() == []
    lacking = [card for card in await stage.store.cards.waiting() if card.key.startswith("own-lack:")]
    assert [card.reply.title.partition(" since ")[0] for card in lacking] == [
        "The bot's own machine lacks file descriptors"
    ]
    with pytest.raises(OwnLackError):
        # Nobody has looked lately, and `status` cannot either.
        await answer(["status"], SHELL, "terminal", stage.ports)
    stage.world.no_descriptor = False
    await stage.play(90)
    (over,) = [card for card in await stage.store.cards.waiting() if card.key.startswith("own-lack:")]
    assert over.key == lacking[0].key
    assert over.reply.title.endswith("it looks at all again")
    assert await stage.state(Target.server("one")) == "up"


async def test_a_server_that_dies_meanwhile_is_told_as_soon_as_it_can_be_seen(set_stage: SetStage) -> None:
    stage = await set_stage()
    stage.start()
    await stage.play(15)
    stage.world.no_descriptor = True
    stage.world.dead.add("one")
    await stage.play(30)
    assert await stage.titles() == []
    stage.world.no_descriptor = False
    await stage.play(15)
    (title,) = await stage.titles()
    assert title.startswith("one is down since")


async def test_a_lack_that_is_over_at_once_is_not_told(set_stage: SetStage) -> None:
    stage = await set_stage()
    stage.start()
    await stage.play(15)
    stage.world.no_descriptor = True
    await stage.play(4)
    stage.world.no_descriptor = False
    await stage.play(120)
    assert await stage.store.cards.waiting() == ()
