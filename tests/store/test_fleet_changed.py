"""Whether the bot that runs goes by an older fleet file: what is on record of its start, against the file of now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from given_ports import ports_with

from core.errors import SettingsError
from core.fleet import DnsSettings, Fleet, SlackAccess, Watch
from core.fleet.changed import digests
from core.fleet.target import Target
from ops.gather.fleet_changed import fleet_findings, why_fleet_is_older
from ops.store.monitor.states import ObservedState

if TYPE_CHECKING:
    from ops.ports import Ports
    from ops.store import Store

STARTED_WITH = Fleet("test", "UTC", {}, {}, DnsSettings((), (), ()), slack=SlackAccess("C1", approvers=("U0BOB",)))
SLOWER = replace(STARTED_WITH, watch=Watch(every=timedelta(minutes=7)))
NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)


@dataclass
class Clock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@pytest.fixture
async def watched(empty_store: Store) -> Store:
    """Give a store of this fleet alone, in which a bot has put its start, after an older one, and a look of now."""
    for version, fleet in (("1", SLOWER), ("2", STARTED_WITH)):
        body = {"version": version, "fleet": digests(fleet)}
        await empty_store.record.add(NOW, "bot.started", "test", "bot:run", body)
    await empty_store.states.saw([ObservedState(Target.server("a"), "up", NOW, NOW)], gap=timedelta(minutes=1))
    return empty_store


def ports_of(store: Store, fleet: Fleet, clock: Clock | None = None) -> Ports:
    return ports_with(fleet, store=store, clock=clock or Clock())


async def test_a_file_that_is_as_it_was_is_not_mentioned(watched: Store) -> None:
    assert await why_fleet_is_older(ports_of(watched, STARTED_WITH)) == ""
    assert await fleet_findings(ports_of(watched, STARTED_WITH)) == ()


async def test_a_change_of_people_is_not_mentioned(watched: Store) -> None:
    people = replace(STARTED_WITH, slack=SlackAccess("C1", approvers=("U0ALICE",)))
    assert await why_fleet_is_older(ports_of(watched, people)) == ""


async def test_what_else_has_changed_is_named_with_what_to_do(watched: Store) -> None:
    ports = ports_of(watched, SLOWER)
    why = "app.yaml has changed since the bot was started (watch): only its people count already"
    assert await why_fleet_is_older(ports) == f"{why}. Start the bot again for the rest."
    (finding,) = await fleet_findings(ports)
    assert (finding.ok, finding.why, finding.hint) == (False, why, "Start the bot again for the rest.")


async def test_where_no_bot_runs_nothing_is_older(watched: Store) -> None:
    assert await why_fleet_is_older(ports_of(watched, SLOWER, Clock(NOW + timedelta(hours=2)))) == ""


async def test_a_file_that_cannot_be_used_any_more_is_said(watched: Store) -> None:
    def broken() -> Fleet:
        raise SettingsError("app.yaml has 1 problem.")

    ports = replace(ports_of(watched, STARTED_WITH), live_fleet=broken)
    assert await why_fleet_is_older(ports) == (
        "app.yaml cannot be used any more, so the bot goes on with what it said before: app.yaml has 1 problem."
    )


async def test_a_bot_of_before_has_put_nothing_on_record_to_compare_with(store: Store) -> None:
    await store.record.add(NOW, "bot.started", "test", "bot:run", {"version": "1"})
    await store.states.saw([ObservedState(Target.server("a"), "up", NOW, NOW)], gap=timedelta(minutes=1))
    assert await why_fleet_is_older(ports_of(store, SLOWER)) == ""
