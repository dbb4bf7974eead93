"""The watch against real servers: killed, frozen and cut off, each is one alert, and its end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer
from core.fleet.target import Target
from core.people import Person
from jobs.watch import Watcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from core.reply import Reply
    from lab.lab import Lab
    from ops.ports import Ports
    from ops.store.cards import StoredCard

PATIENCE_S = 60.0
SHELL = Person("root", "terminal", frozenset())


@pytest.fixture
async def ports(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ports]:
    for name, secret in lab.env.items():
        monkeypatch.setenv(name, secret)
    async with open_ports(Settings(tmp_path / "app.yaml", tmp_path / "sharpnet.db")) as opened:
        yield opened


@contextlib.asynccontextmanager
async def watching(ports: Ports) -> AsyncIterator[None]:
    """Watch until the block ends, and begin when everything was seen to be up."""
    task = asyncio.create_task(Watcher(ports).run())
    try:
        await until(lambda: everything_is_up(ports))
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await true():  # noqa: ASYNC110 - other processes change what is asked for
            await asyncio.sleep(0.1)


async def everything_is_up(ports: Ports) -> bool:
    states = await ports.store.states.states()
    expected = len(ports.fleet.servers) + len(ports.fleet.sites) + len(ports.fleet.dns.nameservers)
    return len(states) == expected and {seen.state for seen in states.values()} == {"up"}


async def outage_cards(ports: Ports) -> list[StoredCard]:
    return [card for card in await ports.store.cards.waiting() if card.key.startswith("outage:")]


async def titles(ports: Ports) -> list[str]:
    return [card.reply.title for card in await outage_cards(ports)]


async def told(ports: Ports, words: str) -> None:
    """Wait until a message says `words`."""

    async def said() -> bool:
        return any(words in title for title in await titles(ports))

    await until(said)


async def ask_in_terminal(ports: Ports, *words: str) -> Reply:
    return await answer(words, SHELL, "terminal", ports)


@pytest.mark.parametrize("fault", ["drop", "freeze", "cut_off"])
async def test_each_way_to_lose_a_server_is_one_alert_and_its_return_ends_it(
    lab: Lab, ports: Ports, fault: str
) -> None:
    async with watching(ports):
        befall = {"drop": lab.drop, "freeze": lab.freeze, "cut_off": lab.cut_off}[fault]
        await asyncio.to_thread(befall, "oslo")
        await told(ports, "oslo is down since")
        (card,) = await outage_cards(ports)
        assert "seen from 2 places: 3 sites affected" in card.reply.title
        assert "1 site has no mirror" in card.reply.title
        assert [button.line for button in card.reply.buttons] == ["failover oslo", "ack 1"]
        # Long enough for everything to be looked at several times more.
        await asyncio.sleep(5)
        assert len(await outage_cards(ports)) == 1
        assert (await ports.store.states.states())[Target.site("ceviche.example")].state == "up"
        await asyncio.to_thread(lab.back, "oslo")
        await told(ports, "oslo is back after")
        await until(lambda: everything_is_up(ports))
        (card,) = await outage_cards(ports)
        assert card.reply.buttons == ()


@pytest.mark.parametrize("fault", ["drop", "freeze"])
async def test_each_way_to_lose_a_name_server_is_one_alert_seen_from_elsewhere(
    lab: Lab, ports: Ports, fault: str
) -> None:
    async with watching(ports):
        await asyncio.to_thread(lab.drop if fault == "drop" else lab.freeze, "ns2")
        await told(ports, "Name server ns2 (Lima) is down since")
        (title,) = await titles(ports)
        assert "seen from 3 places: the other 2 answer" in title
        await asyncio.to_thread(lab.back, "ns2")
        await told(ports, "Name server ns2 is back after")
        assert len(await outage_cards(ports)) == 1


async def test_a_site_with_the_wrong_content_on_a_server_that_answers_is_one_alert(lab: Lab, ports: Ports) -> None:
    page = lab.path_on("oslo", "/srv/oslo/www/ski.example/index.html")
    content = page.read_bytes()
    async with watching(ports):
        page.write_text("<h1>Account suspended</h1>")
        await told(ports, "1 site on oslo is failing since")
        (card,) = await outage_cards(ports)
        assert "ski.example" in card.reply.title
        assert card.reply.buttons[0].line == "failover ski.example"
        page.write_bytes(content)
        await told(ports, "ski.example on oslo answers again")
        assert len(await outage_cards(ports)) == 1


async def test_a_bot_killed_during_an_outage_goes_on_with_the_same_message(lab: Lab, ports: Ports) -> None:
    async with watching(ports):
        await asyncio.to_thread(lab.drop, "lima")
        await told(ports, "lima is down since")
    await asyncio.to_thread(lab.back, "lima")
    async with watching(ports):
        # When it came back is not known where the first look finds it; on a busy machine that look may be too early.
        await told(ports, "lima is back")
        assert len(await outage_cards(ports)) == 1


async def test_a_record_changed_by_hand_moves_the_site_in_what_is_watched(lab: Lab, ports: Ports) -> None:
    lima = ports.fleet.servers["lima"].ipv4
    task = asyncio.create_task(Watcher(ports, dns_every_s=0.5).run())
    try:
        await until(lambda: everything_is_up(ports))
        await asyncio.to_thread(
            lab.nsupdate,
            "ski.example",
            ["update delete ski.example. A", f"update add ski.example. 300 A {lima}"],
        )

        async def moved() -> bool:
            return (await ports.store.copies.active()).get("ski.example") == "lima"

        await until(moved)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_second_looks_tell_what_answers_from_what_does_not(lab: Lab, ports: Ports) -> None:
    probe = ports.probe

    async def seen(target: Target) -> bool | None:
        look = await probe.second_look("lima", target, timeout_s=2)
        return look.ok if look is not None else None

    assert [await seen(Target.server("oslo")), await seen(Target.nameserver("ns1"))] == [True, True]
    await asyncio.to_thread(lab.freeze, "oslo")
    await asyncio.to_thread(lab.freeze, "ns1")
    assert [await seen(Target.server("oslo")), await seen(Target.nameserver("ns1"))] == [False, False]
    assert [await seen(Target.nameserver("ns2")), await seen(Target.nameserver("ns3"))] == [True, True]
    await asyncio.to_thread(lab.drop, "ns2")
    assert await seen(Target.nameserver("ns2")) is False
    await asyncio.to_thread(lab.cut_off, "lima")
    assert await seen(Target.nameserver("ns3")) is None


async def test_without_a_bot_status_looks_itself(lab: Lab, ports: Ports) -> None:
    reply = await ask_in_terminal(ports, "status")
    assert reply.title == "small: oslo up, lima up; 4 of 4 sites served, 3 of 3 name servers in step"
    assert reply.exit_code == 0
    await asyncio.to_thread(lab.drop, "oslo")
    reply = await ask_in_terminal(ports, "status")
    assert reply.title == "small: oslo down, lima up; 1 of 4 sites served, 3 of 3 name servers in step"
    assert reply.exit_code == 1
