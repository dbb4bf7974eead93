"""Which store it is, in the store: made with it, kept by a copy, and another one after a person has accepted it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from core.audit import FIRST
from core.reply import Reply, Tone
from core.store_standing import StoreNote
from ops.store import Store
from ops.store.sqlite.database import SqliteDb

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
DOUBT, ACCEPTED = Reply("went back", tone=Tone.BAD), Reply("accepted", tone=Tone.GOOD)


@pytest.fixture
def store(empty_store: Store) -> Store:
    """Give one of which all is its own: these tests count its entries."""
    return empty_store


async def test_a_new_store_has_an_id_of_its_own_and_keeps_it(store: Store, second: Store, tmp_path: Path) -> None:
    elsewhere = Store(SqliteDb(tmp_path / "elsewhere.db"))
    await elsewhere.open()
    other = await elsewhere.identity.own(NOW)
    await elsewhere.close()
    own = await store.identity.own(NOW)
    assert own == await second.identity.own(NOW) == StoreNote(own.store, 0, FIRST, NOW)
    assert len(own.store) == len(other.store) == 16
    assert own.store != other.store


async def test_what_it_says_of_itself_grows_with_its_record_and_names_what_is_in_quarantine(store: Store) -> None:
    await store.record.add(NOW, "kind", "subject", "who")
    await store.copies.quarantine([("shop", "lima"), ("blog", "oslo"), ("shop", "bonn")], "why", NOW, "who")
    entries = await store.record.entries()
    own = await store.identity.own(LATER)
    assert (own.number, own.hash, own.at) == (4, entries[-1].hash, LATER)
    assert own.quarantined == (("blog", "oslo"), ("shop", "bonn"), ("shop", "lima"))
    assert await store.identity.hashes([1, 3, 5, 0]) == {1: entries[0].hash, 3: entries[2].hash}
    assert await store.identity.hashes([]) == {}


async def test_a_doubt_is_kept_once_for_every_process_with_a_card_of_its_own(store: Store, second: Store) -> None:
    assert await store.identity.doubt() is None
    await store.cards.put("plan:K7Q2", Reply("another card"), NOW)
    assert await store.identity.put_in_doubt("went back", DOUBT, NOW, "bot")
    assert not await second.identity.put_in_doubt("something else", Reply("another"), LATER, "bot")
    doubt = await second.identity.doubt()
    assert doubt is not None
    assert (doubt.why, doubt.since_at) == ("went back", NOW)
    card = await second.cards.get(doubt.card)
    assert card is not None
    assert card.reply.title == "went back"
    entries = await store.record.entries()
    assert [(one.kind, one.body) for one in entries] == [("store.doubted", {"why": "went back"})]


async def test_an_accepted_store_has_another_id_and_remembers_all_before_it(store: Store, second: Store) -> None:
    await store.cards.put("plan:K7Q2", Reply("another card"), NOW)
    first = (await store.identity.own(NOW)).store
    await store.identity.put_in_doubt("went back", DOUBT, NOW, "bot")
    doubt = await store.identity.doubt()
    assert doubt is not None
    own = await store.identity.accept(["~last", first, "+first", "~last"], ACCEPTED, LATER, "who")
    after = await second.identity.own(LATER)
    assert (after.store, after.earlier) == (own, ("~last", "+first", first))
    assert await second.identity.doubt() is None
    card, other = await second.cards.get(doubt.card), await second.cards.get("plan:K7Q2")
    assert card is not None
    assert other is not None
    assert (card.reply.title, other.reply.title) == ("accepted", "another card")
    last = (await store.record.entries())[-1]
    assert (last.kind, last.who) == ("store.accepted", "who")
    assert last.body == {"store": own, "instead_of": ["+first", first, "~last"]}


async def test_a_second_doubt_has_a_second_card(store: Store) -> None:
    await store.identity.put_in_doubt("went back", DOUBT, NOW, "bot")
    first = await store.identity.doubt()
    await store.identity.accept([], ACCEPTED, NOW, "who")
    assert await store.identity.put_in_doubt("went back again", DOUBT, LATER, "bot")
    second = await store.identity.doubt()
    assert first is not None
    assert second is not None
    assert first.card != second.card
    assert len((await store.identity.own(NOW)).earlier) == 1
