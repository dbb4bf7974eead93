"""What people are told of a store in doubt: why, in figures, what that means for them, and what to type."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.reply import Reply, Tone
from core.store_doubt import (
    accepted_card,
    beside_another,
    beside_card,
    doubt_card,
    store_reply,
    why_in_doubt,
    with_doubt,
)
from core.store_standing import StoreNote, judge_store

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
EARLIER = NOW - timedelta(minutes=30)
OWN = StoreNote("aaaa", 2101, "a" * 64, NOW, ("before",))
LATER = StoreNote("aaaa", 2345, "b" * 64, EARLIER)
APART = StoreNote("aaaa", 2000, "c" * 64, EARLIER)
OTHER = StoreNote("bbbb", 1, "d" * 64, EARLIER)
NEXT = StoreNote("cccc", 7, "d" * 64, EARLIER, ("aaaa",))
BEFORE = StoreNote("before", 7, "d" * 64, EARLIER)
HASHES = {2101: "a" * 64, 2000: "0" * 64}


def why(note: StoreNote) -> str | None:
    return why_in_doubt(judge_store(OWN, HASHES, {"uk": note, "us": None}), "Europe/London", NOW)


def test_each_way_to_be_behind_is_said_as_what_it_is_with_who_knows_it() -> None:
    assert why(LATER) == (
        "This store went back in time: it ends with entry 2,101 of its record, and uk was told of entry 2,345 at "
        "13:32:07 BST"
    )
    assert why(NEXT) == "This store went back in time: uk was told at 13:32:07 BST of the one that took its place"
    assert why(APART) == (
        "Two copies of this store were in use: its entry 2,000 is another one than the one that uk was told of at "
        "13:32:07 BST"
    )


def test_a_store_that_this_one_never_heard_of_is_said_and_is_no_doubt() -> None:
    assert why(OTHER) is None
    said = "The fleet knows another store than this one: uk was told at 13:32:07 BST of one with 1 entry"
    verdict = judge_store(OWN, HASHES, {"uk": OTHER})
    assert beside_another(verdict, "Europe/London", NOW) == said
    assert beside_another(judge_store(OWN, HASHES, {"uk": LATER}), "Europe/London", NOW) is None
    reply = store_reply(verdict, {"uk": OTHER}, "", "Europe/London", NOW)
    assert (reply.title, reply.tone, reply.exit_code) == (said, Tone.WARN, 0)
    card = beside_card(said, [("shop", "uk"), ("blog", "us")])
    assert (card.title, card.tone) == (said, Tone.WARN)
    held = "2 copies that it had in quarantine: so again, until somebody has chosen: shop on uk, blog on us."
    assert held in str(card.parts)


def test_a_store_that_is_the_newest_is_in_no_doubt() -> None:
    assert why(OWN) is None
    assert why_in_doubt(judge_store(OWN, {}, {}), "UTC", NOW) is None


def test_the_card_says_what_stands_still_and_has_the_way_on_to_press_and_to_type() -> None:
    card = doubt_card("It went back")
    said = str(card.parts)
    assert (card.title, card.tone) == ("It went back", Tone.BAD)
    assert "nothing is approved, moved, copied or backed up with it. What drops is told as ever." in said
    assert "`store accept`" in said
    (button,) = card.buttons
    assert button.line == "store accept"
    assert button.confirm is not None
    assert "cannot be undone" in button.confirm.text


def test_an_accepted_store_says_what_ended_by_it() -> None:
    card = accepted_card("It went back", "slack:U1", ("K7Q2", "ANXB"), [("shop", "uk")])
    assert (card.title, card.tone) == ("The store is accepted by slack:U1: it is acted upon again", Tone.GOOD)
    assert [part.text for part in card.parts if hasattr(part, "text")] == [
        "Before: It went back.",
        "Lost track of K7Q2, ANXB: never to be carried out from here on.",
        "1 copy put in quarantine again, as the witness was told: shop on uk.",
    ]
    quiet = accepted_card("It went back", "slack:U1", (), [])
    assert [part.text for part in quiet.parts if hasattr(part, "text")] == [
        "Before: It went back.",
        "No plan was open.",
    ]


def test_an_answer_about_the_fleet_begins_with_the_doubt_and_is_not_well_then() -> None:
    well = Reply("all up", tone=Tone.GOOD)
    assert with_doubt(well, "") == well
    doubted = with_doubt(well, "It went back")
    assert (doubted.title, doubted.tone, doubted.exit_code) == ("all up", Tone.BAD, 1)
    assert "It went back. Until somebody has looked" in str(doubted.parts[0])


def test_the_store_says_what_each_witness_knows() -> None:
    told = {"uk": OWN, "us": "no answer", "far": None, "old": BEFORE}
    verdict = judge_store(OWN, HASHES, told)
    reply = store_reply(verdict, told, "", "UTC", NOW)
    assert reply.title == (
        "The store aaaa, 2,101 entries on record: known to 2 of 4 witnesses, 1 did not answer; none knows a later one"
    )
    assert (reply.tone, reply.exit_code) == (Tone.WARN, 0)
    (table,) = reply.parts
    assert [row.cells for row in table.rows] == [  # type: ignore[union-attr]
        ("far", "nothing yet", ""),
        ("old", "this one as it was, entry 7", "12:32:07 UTC"),
        ("uk", "this one, entry 2,101", "13:02:07 UTC"),
        ("us", "no answer", ""),
    ]
    assert reply.facts is not None
    assert reply.facts["witnesses"] == {
        "uk": {"store": "aaaa", "entries": 2101, "hash": "a" * 64},
        "us": "no answer",
        "far": None,
        "old": {"store": "before", "entries": 7, "hash": "d" * 64},
    }
    assert (reply.facts["standing"], reply.facts["in_doubt"]) == ("newest", False)


def test_the_store_in_doubt_is_shown_with_what_the_card_says() -> None:
    told = {"uk": OTHER}
    reply = store_reply(judge_store(OWN, HASHES, told), told, "It is another", "UTC", NOW)
    assert (reply.title, reply.tone, reply.exit_code) == ("It is another", Tone.BAD, 1)
    assert "another one, bbbb, entry 1" in str(reply.parts[0])
    assert "`store accept`" in str(reply.parts)
    assert reply.facts is not None
    assert (reply.facts["standing"], reply.facts["in_doubt"]) == ("other", True)


def test_a_store_that_everybody_knows_is_well() -> None:
    told = {"uk": replace(OWN, at=EARLIER)}
    reply = store_reply(judge_store(OWN, HASHES, told), told, "", "UTC", NOW)
    assert reply.tone is Tone.GOOD
    assert reply.title.endswith("known to 1 of 1 witness; none knows a later one")
