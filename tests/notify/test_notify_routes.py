"""Alerts by other ways than Slack, sent to real receivers on loopback."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from notify.harness import Receiver, all_sent, asked, got, listening, relaying, until

from core.fleet import SecretRef
from core.incident.notification import AlertKind, Message
from core.reply import Reply, Text, Tone
from core.wording import stamp
from ops.fleetfile import secret_reader
from ops.notify.routes import NotificationRoutes, notify_findings

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from notify.harness import Mailbox, ShiftedClock

    from ops.ports import Ports

ROOT = Path(__file__).parents[2]
BOT = ROOT / "tests" / "notify" / "sending_bot.py"
DOWN = Reply("oslo is down", (Text("From here: connection refused."),), tone=Tone.BAD)
STILL = replace(DOWN, title="oslo is down, acknowledged by Ann")
BACK = Reply("oslo is back after 5 min", tone=Tone.GOOD)


def address(receiver: Receiver, path: str = "hook") -> str:
    return f"json://127.0.0.1:{receiver.port}/{path}"


async def put(ports: Ports, reply: Reply, key: str = "outage:1") -> None:
    await ports.store.cards.put(key, reply, ports.clock.now())


async def test_an_alert_and_its_end_reach_every_route_in_order_and_what_is_edited_between_does_not(
    ports: Ports, receiver: Receiver, mailbox: Mailbox
) -> None:
    mail = f"mailto://127.0.0.1:{mailbox.port}?from=bot@small.example&to=ops@small.example&mode=insecure"
    async with relaying(ports, {"HOOK": address(receiver), "MAIL": mail}):
        await put(ports, DOWN)
        await put(ports, STILL)
        await put(ports, BACK)
        await all_sent(ports)
    assert receiver.titles == [DOWN.title, BACK.title]
    assert [one["type"] for one in receiver.got] == ["failure", "success"]
    assert "From here: connection refused." in receiver.got[0]["message"]
    assert "fleet small, alert 1" in receiver.got[0]["message"]
    assert [mail["Subject"] for mail in mailbox.mails] == [DOWN.title, BACK.title]


async def test_an_alert_goes_by_other_ways_at_once_although_slack_has_not_taken_it(
    ports: Ports, receiver: Receiver
) -> None:
    async with relaying(ports, {"HOOK": address(receiver)}):
        await put(ports, DOWN)
        await all_sent(ports)
    assert [card.ts for card in await ports.store.cards.waiting()] == [None]
    assert receiver.titles == [DOWN.title]


async def test_a_route_that_fails_holds_up_no_other_and_gets_all_of_it_in_order_when_it_works_again(
    ports: Ports, receiver: Receiver, free_port: Callable[[], int]
) -> None:
    away = Receiver(port=free_port())
    async with relaying(ports, {"HOOK": address(receiver), "AWAY": address(away)}):
        await put(ports, DOWN)
        await put(ports, BACK)
        await until(lambda: got(receiver, 2))
        assert (await ports.store.notifications.routes())["env:AWAY"].done == 0
        async with listening(away):
            await all_sent(ports)
    assert away.titles == receiver.titles == [DOWN.title, BACK.title]


async def test_a_message_says_when_it_was_true_however_late_it_arrives(
    ports: Ports, receiver: Receiver, clock: ShiftedClock
) -> None:
    async with relaying(ports, {"HOOK": address(receiver)}):
        pass
    then = ports.clock.now()
    await put(ports, DOWN)
    clock.shift = timedelta(hours=3)
    async with relaying(ports, {"HOOK": address(receiver)}):
        await all_sent(ports)
    local = then.astimezone(ZoneInfo("Europe/Oslo"))
    assert local.strftime("%Y-%m-%d %H:%M:") in receiver.got[0]["message"]


async def test_a_receiver_that_hangs_is_given_up_tried_again_and_told_that_it_may_be_the_second_time(
    ports: Ports, receiver: Receiver
) -> None:
    receiver.hangs = True
    async with relaying(ports, {"HOOK": address(receiver)}):
        await put(ports, DOWN)
        await until(lambda: got(receiver, 1))
        receiver.hangs = False
        await all_sent(ports)
    first, *others = ["second time" in one["message"] for one in receiver.got]
    assert not first
    assert others
    assert all(others)


async def test_a_try_that_lasts_too_long_is_ended_and_may_have_got_through(receiver: Receiver) -> None:
    ways = NotificationRoutes(lambda _secret: address(receiver), send_s=0.05)
    attempt = await ways.send(SecretRef("env", "HOOK"), Message("x", "y", AlertKind.INFO))
    assert (attempt.taken, attempt.in_doubt, attempt.why) == (False, True, "no answer within 0.05 s")


async def test_a_bot_that_stops_and_starts_again_sends_nothing_twice_and_nothing_old_by_a_new_route(
    ports: Ports, receiver: Receiver
) -> None:
    later = Receiver()
    async with relaying(ports, {"HOOK": address(receiver)}):
        await put(ports, DOWN)
        await all_sent(ports)
    async with listening(later), relaying(ports, {"HOOK": address(receiver), "LATER": address(later)}):
        await put(ports, BACK)
        await all_sent(ports)
    assert receiver.titles == [DOWN.title, BACK.title]
    assert later.titles == [BACK.title]


async def test_two_bots_on_one_store_send_each_alert_once(ports: Ports, receiver: Receiver) -> None:
    routes = {"HOOK": address(receiver)}
    async with relaying(ports, routes), relaying(ports, routes):
        await put(ports, DOWN)
        await put(ports, BACK)
        await all_sent(ports)
        await asyncio.sleep(0.3)
    assert receiver.titles == [DOWN.title, BACK.title]


async def test_what_was_sent_where_is_on_record_and_its_address_is_nowhere(
    ports: Ports, receiver: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    receiver.status = 403
    async with relaying(ports, {"HOOK": address(receiver, "t0ps3cret")}):
        await put(ports, DOWN)
        await until(lambda: asked(receiver))
        receiver.status = 200
        await all_sent(ports)
    entries = await ports.store.record.entries(subject="outage:1")
    assert [entry.kind for entry in entries] == ["alert.not-sent", "alert.sent"]
    assert entries[0].body["why"] == "HTTP status 403"
    assert entries[1].body == {"route": "env:HOOK", "alert": 1, "title": DOWN.title, "tries": 2}
    assert b"t0ps3cret" not in everything_in(tmp_path)
    assert "t0ps3cret" not in caplog.text


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_a_route_that_has_failed_for_a_while_is_told_by_all_others_and_so_is_that_it_works_again(
    ports: Ports, receiver: Receiver, clock: ShiftedClock
) -> None:
    broken = Receiver(status=500)
    async with listening(broken), relaying(ports, {"HOOK": address(receiver), "BROKEN": address(broken)}):
        await put(ports, DOWN)
        await until(lambda: failing(ports, "env:BROKEN"))
        clock.shift = timedelta(seconds=40)
        await until(lambda: got(receiver, 2))
        broken.status = 200
        await all_sent(ports)
    assert receiver.titles[0] == DOWN.title
    assert receiver.titles[1].startswith("Alerts do not get through by env:BROKEN since ")
    assert receiver.titles[1].endswith("HTTP status 500")
    assert receiver.titles[2] == "Alerts get through by env:BROKEN again"
    assert broken.titles == [DOWN.title]


async def failing(ports: Ports, route: str) -> bool:
    return bool((await ports.store.notifications.routes())[route].why)


async def test_an_alert_that_nobody_took_for_a_day_is_on_record_and_lets_the_next_one_through(
    ports: Ports, receiver: Receiver, clock: ShiftedClock
) -> None:
    async with relaying(ports, {"HOOK": address(receiver)}):
        pass
    await put(ports, DOWN)
    clock.shift = timedelta(hours=25)
    await put(ports, BACK)
    async with relaying(ports, {"HOOK": address(receiver)}):
        await all_sent(ports)
    assert receiver.titles == [BACK.title]
    kinds = [entry.kind for entry in await ports.store.record.entries(subject="outage:1")]
    assert kinds == ["alert.given-up", "alert.sent"]


async def test_a_route_whose_secret_is_missing_waits_until_it_is_there(ports: Ports, receiver: Receiver) -> None:
    routes = {"HOOK": ""}
    async with relaying(ports, routes):
        await put(ports, DOWN)

        async def said() -> bool:
            return "HOOK is not set" in (await ports.store.notifications.routes())["env:HOOK"].why

        await until(said)
        routes["HOOK"] = address(receiver)
        await all_sent(ports)
    assert receiver.titles == [DOWN.title]


async def test_an_alert_is_there_exactly_where_its_card_is(ports: Ports) -> None:
    await ports.store.notifications.take_up(["env:HOOK"])
    assert await ports.store.notifications.after("env:HOOK") == ()
    await put(ports, DOWN)
    (alert,) = await ports.store.notifications.after("env:HOOK")
    card = await ports.store.cards.get("outage:1")
    assert card is not None
    assert (alert.reply, stamp(alert.at)) == (card.reply, stamp(card.made_at))


async def test_a_bot_killed_while_it_sends_loses_nothing_and_says_of_what_was_under_way_that_it_may_come_twice(
    ports: Ports, receiver: Receiver, clock: ShiftedClock, tmp_path: Path
) -> None:
    async with relaying(ports, {"HOOK": address(receiver)}):
        pass
    await put(ports, DOWN)
    await put(ports, BACK)
    receiver.hangs = True
    bot = await asyncio.create_subprocess_exec(
        sys.executable, BOT, tmp_path / "sharpnet.db", address(receiver), env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    )
    await until(lambda: got(receiver, 1))
    bot.kill()
    await bot.wait()
    receiver.hangs = False
    # The killed bot's claim has to run out, so that two never send at once.
    clock.shift = timedelta(minutes=1)
    async with relaying(ports, {"HOOK": address(receiver)}):
        await all_sent(ports)
    assert receiver.titles == [DOWN.title, DOWN.title, BACK.title]
    assert ["second time" in one["message"] for one in receiver.got] == [False, True, False]


async def test_whether_alerts_could_go_by_a_route_is_found_out_without_sending_one(
    ports: Ports, receiver: Receiver
) -> None:
    routes = {"GOOD": address(receiver), "ODD": "nonsense://t0ps3cret"}
    fleet = replace(ports.fleet, notify=tuple(SecretRef("env", name) for name in (*routes, "MISSING")))
    good, odd, missing = await notify_findings(fleet, NotificationRoutes(secret_reader(fleet, routes)))
    assert (good.ok, receiver.asked) == (True, 0)
    assert (odd.ok, odd.why) == (False, "what it holds is no address that Apprise knows")
    assert (missing.ok, "MISSING is not set" in missing.why) == (False, True)


async def test_who_sends_a_message_sees_none_of_the_bots_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, seen = tmp_path / "once.py", tmp_path / "seen"
    script.write_text(f"import os, sys\nopen({str(seen)!r}, 'w').write(open('/proc/self/environ').read())\n")
    monkeypatch.setattr("ops.notify.routes.ONCE", script)
    secrets = {"SLACK_BOT_TOKEN": "xoxb-canary", "SHARPNET_TSIG": "canary2", "HOOK": "json://canary3", "ODD": "canary4"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:3128")
    await NotificationRoutes(lambda _ref: "json://127.0.0.1").look(SecretRef("env", "HOOK"))
    environment = seen.read_text()
    assert "canary" not in environment
    assert {"PATH", "https_proxy"} <= {one.partition("=")[0] for one in environment.split("\0")}
