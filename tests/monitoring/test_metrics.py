"""What monitoring reads of the bot, over HTTP."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

from monitoring.harness import ask, metrics_of

from bot.web import ready
from core.fleet.target import Target
from core.incident.facts import OutageFacts
from core.reply import Reply, Tone
from ops.store.copies.served import SyncRun
from ops.store.incident.outages import OutageOpening
from ops.store.monitor.states import ObservedState
from ops.store.sqlite.driver import sqlite3

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from notify.harness import ShiftedClock

    from bot.web.vitals import Vitals
    from ops.ports import Ports

OSLO = Target.server("oslo")
GAP = timedelta(minutes=1)


async def looked(ports: Ports, state: str = "up", target: Target = OSLO) -> None:
    now = ports.clock.now()
    await ports.store.states.saw([ObservedState(target, state, now, now)], gap=GAP)


async def test_each_target_has_one_line_with_its_state(ports: Ports, web: str) -> None:
    await looked(ports, "down")
    await looked(ports, "degraded", Target.nameserver("ns1"))
    await looked(ports, "up", Target.site("fjord"))
    found = await metrics_of(web)
    assert found['sharpnet_server_state{server="oslo",state="down"}'] == 1
    assert found['sharpnet_nameserver_state{nameserver="ns1",state="degraded"}'] == 1
    assert found['sharpnet_site_state{server="oslo",site="fjord",state="up"}'] == 1
    assert found['sharpnet_server_state{server="lima",state="unknown"}'] == 1
    assert sum(line.startswith("sharpnet_server_state") for line in found) == 2


async def test_what_was_not_looked_at_lately_is_unknown(ports: Ports, web: str, clock: ShiftedClock) -> None:
    await looked(ports)
    clock.shift = timedelta(minutes=10)
    found = await metrics_of(web)
    assert found['sharpnet_server_state{server="oslo",state="unknown"}'] == 1
    assert found['sharpnet_nameserver_state{nameserver="ns1",state="unknown"}'] == 1
    assert 590 < found["sharpnet_last_look_age_seconds"] < 660


async def test_the_age_of_a_copy_counts_from_when_the_last_good_one_began(
    ports: Ports, web: str, clock: ShiftedClock
) -> None:
    copies, now = ports.store.copies, ports.clock.now()
    for number, outcome in ((1, "good"), (2, "failed")):
        run = SyncRun(str(number), "fjord", "oslo", "lima", now + timedelta(minutes=number), None, None, {})
        await copies.begin_sync(run, "test")
        await copies.end_sync(run.id, outcome, {}, now, "test")
    clock.shift = timedelta(hours=2)
    found = await metrics_of(web)
    assert 7000 < found['sharpnet_copy_age_seconds{server="lima",site="fjord"}'] < 7200
    assert found["sharpnet_copies_overdue"] == 0
    assert found["sharpnet_copies_missing"] == 0
    clock.shift = timedelta(days=3)
    assert (await metrics_of(web))["sharpnet_copies_overdue"] == 1


async def test_what_is_open_quarantined_and_waiting_is_counted(ports: Ports, web: str) -> None:
    store, now = ports.store, ports.clock.now()
    card = Reply("oslo is down", tone=Tone.BAD)
    await store.notifications.take_up(["env:SMS"])
    await store.outages.open_many(
        [OutageOpening(OSLO, now, OutageFacts())],
        "test",
        lambda _made: None,
        lambda _outages: card,
        now,
    )
    await store.copies.quarantine([("fjord", "lima")], "it came back", now, "test")
    found = await metrics_of(web)
    assert found["sharpnet_outages_open"] == 1
    assert found['sharpnet_quarantined_copies{server="lima"}'] == 1
    assert found['sharpnet_alerts_waiting{route="env:SMS"}'] == 1
    assert found['sharpnet_plans_open{state="unfinished"}'] == 0


async def test_the_bot_says_its_version_how_much_it_looks_and_how_it_does(ports: Ports, web: str) -> None:
    found = await metrics_of(web)
    assert found[f'sharpnet_build_info{{fleet="small",version="{ports.version}"}}'] == 1
    assert found["sharpnet_looks_total"] == 42
    assert "sharpnet_event_loop_lag_seconds_count" in found
    assert found["process_resident_memory_bytes"] > 0


async def test_promtool_finds_nothing_to_say_about_the_page(ports: Ports, web: str) -> None:
    await looked(ports)
    _, page = await ask(f"{web}/metrics")
    tool = await asyncio.create_subprocess_exec(
        "promtool",
        "check",
        "metrics",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await tool.communicate(page.encode())
    assert (tool.returncode, said.decode()) == (0, "")


async def test_a_bot_that_watches_and_can_write_is_ready(ports: Ports, web: str) -> None:
    await looked(ports)
    status, said = await ask(f"{web}/readyz")
    assert (status, json.loads(said)) == (200, {"ready": True, "store": "ok", "watch": "ok"})


async def test_a_bot_whose_watch_stands_still_lives_but_is_not_ready(
    ports: Ports, web: str, clock: ShiftedClock
) -> None:
    await looked(ports)
    clock.shift = timedelta(minutes=10)
    status, said = await ask(f"{web}/readyz")
    assert (status, json.loads(said)["watch"]) == (503, "nothing was looked at lately")
    assert (await ask(f"{web}/healthz"))[0] == 200


async def test_a_bot_that_slack_does_not_reach_is_not_ready(ports: Ports, web: str, vitals: Vitals) -> None:
    await looked(ports)
    vitals.slack_is(up=False)
    status, said = await ask(f"{web}/readyz")
    assert (status, json.loads(said)["slack"]) == (503, "not connected")
    vitals.slack_is(up=True)
    assert (await ask(f"{web}/readyz"))[0] == 200
    assert (await metrics_of(web))["sharpnet_slack_connected"] == 1


async def test_a_bot_that_cannot_write_is_not_ready(ports: Ports, web: str) -> None:
    await looked(ports)
    await ports.store._db.read(lambda transaction: transaction.execute("PRAGMA query_only = ON"))
    status, said = await ask(f"{web}/readyz")
    assert (status, json.loads(said)["store"]) == (503, "cannot be written")


async def test_a_bot_whose_store_is_held_by_another_is_not_ready_and_says_so_in_time(
    ports: Ports, web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await looked(ports)
    monkeypatch.setattr(ready, "WITHIN_S", 0.3)
    other = sqlite3.connect(tmp_path / "sharpnet.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    status, said = await ask(f"{web}/readyz")
    other.rollback()
    other.close()
    assert (status, json.loads(said)["store"]) == (503, "does not answer within 0.3 s")


async def test_nothing_else_is_answered(web: str) -> None:
    assert (await ask(web))[0] == 404
    assert (await ask(f"{web}/metrics/../../etc/passwd"))[0] == 404
