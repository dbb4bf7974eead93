"""What people are told when the bot cannot store what it sees."""

from datetime import UTC, datetime, timedelta

from core.fleet.target import Target
from core.incident.store_down import store_failed, store_recovered
from core.reply import Text, Tone

SINCE = datetime(2026, 6, 14, 1, 14, 7, tzinfo=UTC)
NOW = SINCE + timedelta(minutes=12)
FULL = "The store /srv/bot.db could not be used: database or disk is full."


def test_what_is_down_comes_first_since_a_phone_shows_no_more() -> None:
    reply = store_failed(FULL, SINCE, {Target.nameserver("ns1"), Target.server("oslo")}, "Europe/London", NOW)
    assert reply.title == (
        "Down as seen from here: name server ns1, oslo. This bot can store nothing since 02:14:07 BST"
    )
    assert reply.parts[0] == Text(FULL)
    assert reply.tone is Tone.BAD


def test_that_nothing_is_down_is_said_too() -> None:
    reply = store_failed(FULL, SINCE, (), "UTC", NOW)
    assert reply.title == "Nothing is seen down. This bot can store nothing since 01:14:07 UTC"


def test_its_end_says_for_how_long_nothing_was_stored() -> None:
    reply = store_recovered(SINCE, "UTC", NOW)
    assert reply.title == "This bot stores what it sees again, after 12 min"
    assert reply.parts[0].text.startswith("Nothing was stored from 01:14:07 UTC to 01:26:07 UTC.")
    assert reply.tone is Tone.GOOD
