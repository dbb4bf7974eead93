"""What the watch keeps: states, observed stretches, outages with their cards."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from core.audit import first_broken
from core.fleet.target import Target
from core.incident.facts import OutageEnd, OutageFacts
from core.reply import Reply
from ops.store import Store
from ops.store.copies.served import SyncRun
from ops.store.incident.outages import Outage, OutageClosing, OutageOpening
from ops.store.monitor.states import ObservedState, OldestCopies
from ops.store.sqlite.database import SqliteDb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from core.incident.outage import Outage
from core.wording import stamp

UK = Target.server("uk")
A, B, C = map(Target.site, "abc")
AT = datetime(2026, 6, 14, 13, 0, tzinfo=UTC)
GAP = timedelta(seconds=65)


def at(second: float) -> datetime:
    return AT + timedelta(seconds=second)


def seen(state: str, second: float, target: Target = UK) -> ObservedState:
    return ObservedState(target, state, AT, at(second))


def draw(outages: tuple[Outage, ...]) -> Reply:
    return Reply(" ".join(f"{one.target}{'+' if one.closed_at else '-'}" for one in outages))


def own_card(_made: Sequence[str]) -> str | None:
    return None


def one_card(made: Sequence[str]) -> str | None:
    return made[-1] if made else None


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(SqliteDb(tmp_path / "s.db"))
    await opened.open()
    yield opened
    await opened.close()


async def test_a_stretch_goes_on_while_the_state_is_the_same_and_no_gap_is_too_long(store: Store) -> None:
    await store.states.saw([seen("up", 0), seen("up", 60), seen("down", 90), seen("down", 100)], gap=GAP)
    await store.states.saw([seen("down", 400), seen("up", 410)], gap=GAP)
    assert (await store.history.stretches([UK], AT - GAP))[UK] == (
        ("up", at(0), at(60)),
        ("down", at(90), at(100)),
        ("down", at(400), at(400)),
        ("up", at(410), at(410)),
    )


async def test_states_are_counted_by_kind_and_old_ones_are_unknown(store: Store) -> None:
    await store.states.saw(
        [seen("up", 0, A), seen("up", 90, B), seen("down", 90, C), seen("up", 90)],
        gap=GAP,
    )
    assert await store.states.counts(at(60)) == {
        ("site", "unknown"): 1,
        ("site", "up"): 1,
        ("site", "down"): 1,
        ("server", "up"): 1,
    }


async def test_what_is_not_up_comes_worst_first_of_its_kind_only(store: Store) -> None:
    states = {
        A: "unknown",
        B: "degraded",
        C: "down",
        Target.site("d"): "up",
        Target("sites", "x"): "down",
    }
    await store.states.saw([seen(state, 0, target) for target, state in states.items()], gap=GAP)
    assert [one.target for one in await store.states.not_up("site", 2)] == [C, B]


async def test_targets_that_are_watched_no_more_are_forgotten(store: Store) -> None:
    await store.states.saw([seen("up", 0, Target.site("it's")), seen("up", 0, B)], gap=GAP)
    await store.states.keep_only([Target.site("it's")])
    assert list(await store.states.states()) == [Target.site("it's")]
    assert await store.states.states_of([B]) == {}


async def test_the_last_look_is_that_at_a_server(store: Store) -> None:
    assert await store.states.last_look_at() is None
    await store.states.saw([seen("up", 3), seen("up", 9, B)], gap=GAP)
    assert await store.states.last_look_at() == at(3)


async def test_copies_count_from_their_newest_good_run(store: Store) -> None:
    for site, begun_s, outcome in (("a", 10, "good"), ("a", 20, "good"), ("a", 30, "failed"), ("b", 5, "good")):
        run = SyncRun(f"{site}{begun_s}", site, "uk", "us", at(begun_s), None, None, {})
        await store.copies.begin_sync(run, "bot")
        await store.copies.end_sync(run.id, outcome, {}, at(begun_s + 1), "bot")
    pairs = [("a", "us"), ("b", "us"), ("c", "us")]
    assert await store.states.newest_good(pairs) == {("a", "us"): at(20), ("b", "us"): at(5)}
    found = await store.states.oldest_copies(pairs, at(10), at(20))
    assert found == OldestCopies((at(5), "b", "us"), overdue=1, ahead=0, missing=1)
    assert (await store.states.oldest_copies(pairs, at(1), at(19))).ahead == 1
    assert await store.states.oldest_copies([], at(10), at(20)) == OldestCopies(None, 0, 0, 0)


async def test_an_outage_is_opened_once_on_record_with_its_card(store: Store) -> None:
    opening = OutageOpening(UK, at(1), OutageFacts(why="refused"))
    for _ in range(2):
        (outage,) = await store.outages.open_many([opening], "bot", own_card, draw, at(5))
    assert (outage.opened_at, outage.card, outage.facts.why) == (at(1), "outage:1", "refused")
    (card,) = await store.cards.waiting()
    assert (card.key, card.revision, card.reply.title) == ("outage:1", 1, "server:uk-")
    assert [entry.kind for entry in await store.record.entries()] == ["outage.opened"]


async def test_outages_can_share_a_card_and_each_change_draws_all_of_them(store: Store) -> None:
    openings = [OutageOpening(Target.server(name), AT, OutageFacts()) for name in ("uk", "us", "de")]
    outages = await store.outages.open_many(openings, "bot", one_card, draw, AT)
    assert {one.card for one in outages} == {"outage:1"}
    await store.outages.close_many([OutageClosing(outages[1], at(9), OutageFacts(affected=1))], "bot", draw, at(10))
    (card,) = await store.cards.waiting()
    assert card.reply.title == "server:uk- server:us+ server:de-"
    taken = await store.outages.acknowledge(outages[2], "slack:U1", at(11), draw)
    assert [one.target for one in taken] == [UK, Target.server("de")]
    assert await store.outages.acknowledge(outages[0], "slack:U2", at(12), draw) == ()
    kinds = [entry.kind for entry in await store.record.entries()]
    assert kinds == ["outage.opened"] * 3 + ["outage.closed"] + ["outage.acknowledged"] * 2
    assert first_broken(await store.record.entries()) is None


async def test_changing_facts_keeps_the_card_and_who_looks_after_it(store: Store) -> None:
    (outage,) = await store.outages.open_many([OutageOpening(UK, AT, OutageFacts())], "bot", own_card, draw, AT)
    await store.outages.acknowledge(outage, "slack:U1", AT, draw)
    await store.outages.change_many([replace(outage, facts=OutageFacts(affected=3))], draw, AT)
    changed = await store.outages.get(outage.id)
    assert changed is not None
    assert (changed.card, changed.facts.affected, changed.acked_by) == ("outage:1", 3, "slack:U1")


async def test_closing_twice_is_closing_once(store: Store) -> None:
    (outage,) = await store.outages.open_many([OutageOpening(UK, AT, OutageFacts())], "bot", own_card, draw, AT)
    for second in (9, 99):
        await store.outages.close_many([OutageClosing(outage, at(second), OutageFacts())], "bot", draw, at(second))
    closed = await store.outages.get(outage.id)
    assert closed is not None
    assert closed.closed_at == at(9)
    assert len(await store.record.entries()) == 2


async def test_the_end_of_an_outage_is_said_in_its_thread_too(store: Store) -> None:
    (outage,) = await store.outages.open_many([OutageOpening(UK, AT, OutageFacts())], "bot", own_card, draw, AT)
    await store.cards.posted(outage.card, 1, "C1", "1.0")
    assert await store.cards.waiting_notes() == ()
    await store.outages.close_many([OutageClosing(outage, at(9), OutageFacts())], "bot", draw, at(10))
    assert [(note.card, note.text) for note in await store.cards.waiting_notes()] == [("outage:1", "server:uk+")]


async def test_an_outage_that_fails_half_way_leaves_nothing(store: Store) -> None:
    def failing(_outages: tuple[Outage, ...]) -> Reply:
        raise RuntimeError("drawing failed")

    with pytest.raises(RuntimeError):
        await store.outages.open_many([OutageOpening(UK, AT, OutageFacts())], "bot", own_card, failing, AT)
    assert await store.outages.all_open() == ()
    assert await store.record.entries() == ()


async def test_an_outage_that_an_earlier_version_has_kept_is_read_with_what_it_knew(store: Store) -> None:
    await store.outages._db.write(
        lambda database: database.execute(
            "INSERT INTO outages (target, opened_at, body) VALUES ('sites:uk', ?, ?)",
            [stamp(AT), '{"why": "refused", "sites": ["a"], "ending": "moved", "later": 1}'],
        )
    )
    (outage,) = await store.outages.all_open()
    assert (outage.target, outage.card, outage.opened_at) == (Target("sites", "uk"), "outage:1", AT)
    assert outage.facts == OutageFacts(why="refused", sites=("a",), ending=OutageEnd.MOVED)
