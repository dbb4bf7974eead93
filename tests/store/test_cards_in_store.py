"""Cards and lines for their threads, each beside those of others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from store.others import WAITING_CARD

from core.reply import Reply
from ops.store.cards import add_note

if TYPE_CHECKING:
    from ops.store import Store

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


async def lines(store: Store, card: str) -> list[tuple[str, datetime]]:
    return [(note.text, note.at) for note in await store.cards.waiting_notes() if note.card == card]


async def test_a_card_that_changes_is_one_revision_more_and_keeps_when_it_was_made(store: Store) -> None:
    for key in ("a", "b"):
        await store.cards.put(key, Reply("first"), NOW)
    await store.cards.put("a", Reply("second"), LATER)
    card, beside = await store.cards.get("a"), await store.cards.get("b")
    assert card is not None
    assert beside is not None
    assert (card.reply, card.revision, card.made_at, card.changed_at) == (Reply("second"), 2, NOW, LATER)
    assert (beside.reply, beside.revision, beside.changed_at) == (Reply("first"), 1, NOW)
    assert await store.cards.get("none") is None


async def test_what_was_tried_and_shown_is_kept_of_that_card_alone(store: Store) -> None:
    for key in ("a", "b"):
        await store.cards.put(key, Reply("first"), NOW)
        await store.cards.trying(key, LATER)
    await store.cards.posted("a", 1, "C1", "17.1")
    card, beside = await store.cards.get("a"), await store.cards.get("b")
    assert card is not None
    assert beside is not None
    assert (card.tried_at, card.channel, card.ts, card.posted_revision) == (None, "C1", "17.1", 1)
    assert (beside.tried_at, beside.channel, beside.ts, beside.posted_revision) == (LATER, None, None, 0)


async def test_a_late_word_of_an_older_revision_takes_nothing_back(store: Store) -> None:
    for text in ("first", "second"):
        await store.cards.put("a", Reply(text), NOW)
    await store.cards.posted("a", 2, "C1", "17.1")
    await store.cards.posted("a", 1, "C2", "17.2")
    card = await store.cards.get("a")
    assert card is not None
    assert (card.channel, card.ts, card.posted_revision) == ("C2", "17.2", 2)


async def test_a_message_is_a_card_by_its_channel_and_its_time_together(store: Store) -> None:
    for key, channel, ts in (("a", "C1", "17.1"), ("b", "C1", "17.2"), ("c", "C2", "17.1")):
        await store.cards.put(key, Reply(key), NOW)
        await store.cards.posted(key, 1, channel, ts)
    messages = [("C1", "17.1"), ("C1", "17.2"), ("C2", "17.1"), ("C2", "17.2"), ("C3", "17.1")]
    assert [await store.cards.shown_as(*message) for message in messages] == ["a", "b", "c", None, None]


async def test_cards_wait_in_the_order_in_which_they_were_made_whatever_they_are_called(store: Store) -> None:
    for key in ("b", "c", "a"):
        await store.cards.put(key, Reply(key), NOW)
    assert [card.key for card in await store.cards.waiting()] == [WAITING_CARD, "b", "c", "a"]


async def test_a_line_of_a_series_gives_way_to_the_next_of_its_card_and_series_while_it_waits(store: Store) -> None:
    for key in ("a", "b"):
        await store.cards.put(key, Reply(key), NOW)
        await store.cards.posted(key, 1, "C1", key)

    async def note(card: str, text: str, at: datetime, series: str | None) -> bool:
        return await store._db.write(lambda transaction: add_note(transaction, card, text, at, series))

    for card, series in (("a", "reminder"), ("a", "other"), ("a", None), ("b", "reminder")):
        assert await note(card, f"{series} 1", NOW, series)
    assert not await note("a", "reminder 2", LATER, "reminder")
    assert await lines(store, "a") == [("reminder 2", LATER), ("other 1", NOW), ("None 1", NOW)]
    assert await lines(store, "b") == [("reminder 1", NOW)]
    for one in await store.cards.waiting_notes():
        if one.text == "reminder 2":
            await store.cards.note_sent(one.number, LATER)
    assert await lines(store, "a") == [("other 1", NOW), ("None 1", NOW)]
    assert await note("a", "reminder 3", LATER, "reminder")
    assert await lines(store, "a") == [("other 1", NOW), ("None 1", NOW), ("reminder 3", LATER)]


async def test_lines_without_a_series_are_each_one_more(store: Store) -> None:
    await store.cards.put("a", Reply("a"), NOW)
    await store.cards.posted("a", 1, "C1", "17.1")
    for _ in range(2):
        await store.cards.note("a", "the same", NOW)
    assert await lines(store, "a") == [("the same", NOW), ("the same", NOW)]


async def test_a_line_is_written_on_no_card_but_its_own(store: Store) -> None:
    for key in ("a", "b"):
        await store.cards.put(key, Reply(key), NOW)
        await store.cards.posted(key, 1, "C1", key)
    await store.cards.note("a", "more", NOW)
    await store.cards.note("none", "nowhere", NOW)
    assert [note.card for note in await store.cards.waiting_notes() if note.card in {"a", "b", "none"}] == ["a"]
