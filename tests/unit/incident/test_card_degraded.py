"""What the ops channel shows of servers that answer, but not in full, and of what flaps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from unit.outages import outage_of

from core.incident.card import card_of
from core.incident.facts import OutageEnd, OutageFacts, facts_from_json, facts_to_json
from core.incident.notes import Annotation
from core.reply import Table, Text, Tone

if TYPE_CHECKING:
    from core.incident.outage import Outage

NOW = datetime(2026, 6, 14, 13, 2, 30, tzinfo=UTC)
ZONE = "Europe/London"
FULL = OutageFacts(why="disk /srv 94 % full", checks=("host",))
SITES = OutageFacts(why="shop: its certificate ends in 6 days, and 11 more sites", affected=12, sites=("shop", "zoo"))
FLAPS = OutageFacts(
    changes=6, first_change_at=NOW - timedelta(minutes=5), last_change_at=NOW - timedelta(seconds=20), down_now=True
)


def one(facts: OutageFacts, target: str = "degraded:uk", **more: Any) -> Outage:  # noqa: ANN401 - fields of Outage
    return outage_of(target, facts, **{"opened_at": NOW - timedelta(minutes=12), **more})


def title(facts: OutageFacts, target: str = "degraded:uk") -> str:
    closed_at = NOW if facts.ending else None
    return card_of([one(facts, target, closed_at=closed_at)], ZONE, NOW).title


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (FULL, "uk is degraded: disk /srv 94 % full"),
        (SITES, "12 sites on uk are degraded: shop: its certificate ends in 6 days, and 11 more sites"),
        (replace(SITES, affected=1, why="shop: slow"), "1 site on uk is degraded: shop: slow"),
        (
            replace(SITES, checks=("host",), why="disk / 99 % full; shop: slow"),
            "uk is degraded: disk / 99 % full; shop: slow",
        ),
        (
            replace(FULL, ending=OutageEnd.UP),
            "uk is no longer degraded, after 12 min (13:50:30 BST to 14:02:30 BST): disk /srv 94 % full",
        ),
        (
            replace(FULL, ending=OutageEnd.UNWATCHED),
            "uk: what made it degraded is no longer looked at (for 12 min: disk /srv 94 % full)",
        ),
    ],
)
def test_the_title_says_what_is_lacking(facts: OutageFacts, said: str) -> None:
    assert title(facts) == said


def test_a_degraded_server_is_a_warning_and_names_its_sites() -> None:
    card = card_of([one(SITES)], ZONE, NOW)
    assert card.tone is Tone.WARN
    assert [part.text for part in card.parts if isinstance(part, Text)] == ["More: shop, zoo and 10 more."]
    assert [button.line for button in card.buttons] == ["ack 7"]


@pytest.mark.parametrize(
    ("target", "facts", "said"),
    [
        ("server:uk", FLAPS, "uk is flapping: 6 changes in 4 min 40 s; down now"),
        ("server:uk", replace(FLAPS, down_now=False), "uk is flapping: 6 changes in 4 min 40 s; up now"),
        ("degraded:uk", FLAPS, "uk is flapping: 6 changes in 4 min 40 s; degraded now"),
        ("sites:uk", FLAPS, "Sites on uk are flapping: 6 changes in 4 min 40 s; down now"),
        ("nameserver:ns1", replace(FLAPS, first_change_at=None), "Name server ns1 is flapping: 6 changes; down now"),
        (
            "server:uk",
            replace(FLAPS, ending=OutageEnd.UP, down_now=False),
            "uk flapped (6 changes in 4 min 40 s); nothing has changed since 14:02:10 BST",
        ),
        (
            "server:uk",
            replace(FLAPS, ending=OutageEnd.JOINED),
            "uk flapped (6 changes in 4 min 40 s); it has been down since 14:02:10 BST: see the next message",
        ),
        ("server:uk", replace(FLAPS, ending=OutageEnd.UNWATCHED), "uk: no longer in app.yaml, so no longer watched"),
    ],
)
def test_what_flaps_is_said_with_how_often_and_how_it_is_now(target: str, facts: OutageFacts, said: str) -> None:
    assert title(facts, target).startswith(said)


def test_what_flaps_goes_on_in_the_message_of_its_last_drop() -> None:
    before = one(replace(FULL, ending=OutageEnd.UP), "server:uk", id=6, closed_at=NOW)
    assert card_of([before, one(FLAPS, "server:uk")], ZONE, NOW).title.startswith("uk is flapping")


def test_what_flaps_shows_what_was_said_of_all_its_drops_once_in_order() -> None:
    first, second, cause = (
        Annotation("note", "called them", "slack:U1", NOW - timedelta(minutes=2)),
        Annotation("note", "they look at it", "slack:U2", NOW - timedelta(minutes=1)),
        Annotation("cause", "a loose cable", "slack:U1", NOW),
    )
    drops = [
        one(replace(FULL, ending=OutageEnd.UP), "server:uk", id=6, closed_at=NOW, annotations=(first, cause)),
        one(FLAPS, "server:uk", annotations=(first, second)),
    ]
    shown = [part.text.partition(": ")[2] for part in card_of(drops, ZONE, NOW).parts if isinstance(part, Text)][-3:]
    assert shown == ["a loose cable (slack:U1, 14:02:30 BST)", "called them", "they look at it"]


def test_many_degraded_servers_share_a_message_that_calls_none_down() -> None:
    outages = [one(FULL), one(FULL, "degraded:us", id=8), one(FULL, "degraded:de", id=9, closed_at=NOW)]
    card = card_of(outages, ZONE, NOW)
    assert (card.title, card.tone) == ("2 servers are degraded: uk, us", Tone.WARN)
    (table,) = [part for part in card.parts if isinstance(part, Table)]
    assert [row.cells[1] for row in table.rows] == ["degraded", "degraded", "over"]
    over = card_of([replace(outage, closed_at=NOW) for outage in outages], ZONE, NOW)
    assert (over.title, over.tone) == ("None of 3 servers is degraded any more; the longest was for 12 min", Tone.GOOD)


def test_what_is_kept_of_flapping_is_read_back_equal() -> None:
    assert facts_from_json(facts_to_json(FLAPS)) == FLAPS
