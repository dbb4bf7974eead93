"""What people are told of incidents, whole: cards, threads, lists, the word once a day, and other ways than Slack."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unit.outages import outage_of
from unit.wholes import compare, shown

from core.fleet.target import FLEET, Target
from core.incident.card import card_of, reminder
from core.incident.card_maintenance import back_line, list_reply, silenced_line
from core.incident.card_maintenance import card_of as maintenance_card
from core.incident.digest import DailyDigest, summary
from core.incident.facts import OutageEnd, OutageFacts
from core.incident.maintenance import Maintenance
from core.incident.notes import Annotation
from core.incident.notification import failure_reason, message_of
from core.incident.report import incidents_of, maintenance_reply, outage_reply
from core.incident.report import list_reply as incident_list
from core.incident.store_down import store_failed, store_recovered
from core.reply import Button, Reply, Text, Tone, Typed

if TYPE_CHECKING:
    from core.incident.outage import Outage

CARDS = Path(__file__).parent / "whole_cards.txt"
REPORTS = Path(__file__).parent / "whole_reports.txt"
NOW = datetime(2026, 6, 14, 13, 2, 30, tzinfo=UTC)
ZONE = "Europe/London"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
BEGAN, ENDED = NOW - timedelta(seconds=23), NOW + timedelta(minutes=5, seconds=49)
NAMES = tuple(f"s{number}" for number in range(12))
TWELVE = OutageFacts(
    why="SSH: connection refused",
    seen_from=("us", "de"),
    affected=12,
    at_first=15,
    sites=NAMES,
    ready={"us": 7, "de": 2},
    without_mirror=1,
    exceptions=("s11",),
    waiting=2,
    never_copied=3,
    oldest_good_at=NOW - 3 * HOUR,
)
ONE = OutageFacts(why="status 500", affected=1, at_first=1, sites=("shop",), ready={"us": 1}, oldest_good_at=NOW - HOUR)
LAME = OutageFacts(why="it does not answer for shop.test", place="Oslo", others=5, others_up=4, lame=True)
FLAPS = OutageFacts(
    why="timed out", changes=6, first_change_at=NOW - 5 * MINUTE, last_change_at=NOW - timedelta(seconds=20)
)
FULL = OutageFacts(why="disk /srv 94 % full", checks=("host",), affected=3, sites=("a", "b", "c"))
SLOW = OutageFacts(why="shop: slow", affected=2, sites=("shop", "blog"))
CAUSE = Annotation("cause", "a disk died", "slack:U1", NOW - MINUTE)
NOTES = tuple(Annotation("note", f"note {number}", "slack:U2", NOW + number * MINUTE) for number in range(7))
WORK = Maintenance(3, Target.server("uk"), "new disks", "slack:U1", NOW - 2 * HOUR, NOW, NOW + HOUR)


def at(facts: OutageFacts, target: str = "server:uk", **more: Any) -> Outage:  # noqa: ANN401 - fields of Outage
    return outage_of(target, facts, **{"opened_at": BEGAN, **more})


def drawn(facts: OutageFacts, target: str = "server:uk", **more: Any) -> Reply:  # noqa: ANN401 - fields of Outage
    return card_of([at(facts, target, **more)], ZONE, NOW)


def over(facts: OutageFacts, ending: OutageEnd, target: str = "server:uk", **more: Any) -> Reply:  # noqa: ANN401 - likewise
    return drawn(replace(facts, ending=ending), target, closed_at=ENDED, **more)


def test_the_cards_of_incidents_are_what_people_were_promised() -> None:
    acked = {"acked_by": "slack:U1", "acked_at": NOW}
    compare(
        CARDS,
        {
            "a server": drawn(TWELVE),
            "a server, looked after": drawn(TWELVE, **acked),
            "a server, with all that was said": drawn(TWELVE, annotations=(CAUSE, *NOTES), **acked),
            "a server with one site": drawn(ONE),
            "a server with two sites of one name": drawn(replace(ONE, affected=2, sites=("shop",), at_first=2)),
            "a server without sites": drawn(OutageFacts(why="timed out")),
            "a server whose sites have moved": drawn(replace(OutageFacts(), at_first=12)),
            "a server whose one site has moved": drawn(replace(OutageFacts(), at_first=1)),
            "a server, some of whose sites have moved": drawn(replace(ONE, at_first=3)),
            "a server whose copies are all late": drawn(replace(TWELVE, oldest_good_at=NOW + 2 * HOUR)),
            "a server of which all sites go to one": drawn(replace(TWELVE, ready={"us": 12}, waiting=0)),
            "two sites without a mirror, one that waits": drawn(replace(ONE, without_mirror=2, waiting=1, ready={})),
            "sites": drawn(replace(TWELVE, exceptions=("s1",)), "sites:uk"),
            "few sites": drawn(replace(TWELVE, affected=5, sites=("a", "b", "c", "d", "s 11")), "sites:uk"),
            "six sites": drawn(replace(TWELVE, affected=6, sites=tuple("abcdef"), exceptions=()), "sites:uk"),
            "one site": drawn(ONE, "sites:uk"),
            "a name server": drawn(
                OutageFacts(why="timed out", place="Oslo", others=5, others_up=4, seen_from=("uk",)), "nameserver:ns1"
            ),
            "a lame name server": drawn(LAME, "nameserver:ns1"),
            "the link": drawn(OutageFacts(others=8, why="nothing answers"), "link:bot"),
            "degraded": drawn(FULL, "degraded:uk"),
            "degraded sites": drawn(SLOW, "degraded:uk"),
            "a degraded site": drawn(replace(SLOW, affected=1), "degraded:uk"),
            "flapping": drawn(FLAPS),
            "flapping, up now": drawn(replace(FLAPS, down_now=False)),
            "flapping, since nobody knows when": drawn(replace(FLAPS, last_change_at=None, changes=1)),
            "sites that flap": drawn(FLAPS, "sites:uk"),
            "degraded and flapping": drawn(FLAPS, "degraded:uk"),
            "over": over(TWELVE, OutageEnd.UP, annotations=(CAUSE,), **acked),
            "over, nobody said why": over(TWELVE, OutageEnd.UP, **acked),
            "over, not in full": over(replace(TWELVE, ending_why="SSH: refused"), OutageEnd.DEGRADED),
            "over, one copy quarantined": over(replace(ONE, quarantined=1), OutageEnd.UP),
            "over, many copies quarantined": over(replace(TWELVE, quarantined=12), OutageEnd.UP),
            "over, unseen": over(replace(ONE, unseen_from_at=NOW, unseen_until_at=NOW + HOUR), OutageEnd.UP),
            "over, no longer watched": over(ONE, OutageEnd.UNWATCHED),
            "over, with its server": over(ONE, OutageEnd.JOINED, "sites:uk"),
            "over, served from elsewhere": over(TWELVE, OutageEnd.MOVED, "sites:uk"),
            "over, one site": over(ONE, OutageEnd.UP, "sites:uk"),
            "over, one site left of two": over(replace(ONE, at_first=2), OutageEnd.UP, "sites:uk"),
            "over, sites": over(TWELVE, OutageEnd.UP, "sites:uk"),
            "over, a lame name server": over(LAME, OutageEnd.UP, "nameserver:ns1"),
            "over, the link": over(OutageFacts(others=8), OutageEnd.UP, "link:bot"),
            "over, degraded": over(FULL, OutageEnd.UP, "degraded:uk"),
            "over, degraded, no longer looked at": over(FULL, OutageEnd.UNWATCHED, "degraded:uk"),
            "over, flapped": over(FLAPS, OutageEnd.UP),
            "over, flapped, degraded now": over(FLAPS, OutageEnd.DEGRADED),
            "over, flapped, down for good": over(FLAPS, OutageEnd.JOINED),
            "over, flapped, no longer watched": over(FLAPS, OutageEnd.UNWATCHED),
            **several(),
        },
    )


def several() -> dict[str, object]:
    three = [
        at(TWELVE, id=1, annotations=(CAUSE,)),
        at(ONE, "sites:us", id=2, opened_at=BEGAN + MINUTE),
        at(replace(LAME, lame=False), "nameserver:ns1", id=3, opened_at=BEGAN - MINUTE),
    ]
    many = [at(ONE, f"server:s{number}", id=number) for number in range(23)]
    degraded = [at(FULL, f"degraded:{name}", id=number) for number, name in enumerate(("uk", "us", "de"))]
    acked = [replace(one, acked_by="slack:U1", acked_at=NOW) for one in three]
    return {
        "three at once": card_of(three, ZONE, NOW),
        "three at once, one lame": card_of([*three[:2], at(LAME, "nameserver:ns1", id=3)], ZONE, NOW),
        "three at once, one over": card_of([replace(three[0], closed_at=NOW), *three[1:]], ZONE, NOW),
        "three at once, two looked after": card_of([three[0], *acked[1:]], ZONE, NOW),
        "three that are over": card_of([replace(one, closed_at=ENDED) for one in acked], ZONE, NOW),
        "two without any site": card_of([at(LAME, f"nameserver:ns{n}", id=n) for n in (1, 2)], ZONE, NOW),
        "many at once": card_of(many, ZONE, NOW),
        "degraded servers": card_of(degraded, ZONE, NOW),
        "degraded servers, one left": card_of(
            [degraded[0], *(replace(one, closed_at=ENDED) for one in degraded[1:])], ZONE, NOW
        ),
        "degraded servers, none left": card_of([replace(one, closed_at=ENDED) for one in degraded], ZONE, NOW),
        "two drops of one server": card_of(
            [at(ONE, id=4, closed_at=NOW, annotations=(CAUSE,)), at(FLAPS, id=5, annotations=NOTES[:1])], ZONE, NOW
        ),
        "a reminder": reminder(three[:1], NOW),
        "a reminder of three": reminder(three, NOW),
        "a reminder of what flaps": reminder([at(FLAPS)], NOW),
        "a reminder of what flaps and what does not": reminder([at(FLAPS), at(ONE, "server:us")], NOW),
    }


def test_the_lists_and_reports_of_incidents_are_what_people_were_promised() -> None:
    phases = {
        "planned": (WORK, NOW - MINUTE),
        "under way": (replace(WORK, began_at=NOW), NOW),
        "under way, with notes": (replace(WORK, began_at=NOW, annotations=(CAUSE, *NOTES)), NOW),
        "not ended": (replace(WORK, began_at=NOW), NOW + HOUR),
        "ended": (replace(WORK, began_at=NOW + MINUTE, ended_at=NOW + 2 * HOUR, ended_by="slack:U2"), NOW + 3 * HOUR),
        "ended, nobody saw its beginning": (replace(WORK, ended_at=NOW + 2 * HOUR, ended_by="slack:U2"), NOW + HOUR),
        "cancelled": (replace(WORK, cancelled_at=NOW, ended_by="slack:U2", annotations=(CAUSE,)), NOW),
        "of the fleet": (replace(WORK, scope=FLEET, began_at=NOW), NOW),
    }
    works = [one for one, _ in phases.values()]
    outages = [
        at(TWELVE, id=1, annotations=(CAUSE, *NOTES[:1])),
        at(FULL, "degraded:us", id=2, closed_at=ENDED, opened_at=BEGAN - HOUR, acked_by="slack:U1", acked_at=NOW),
        at(LAME, "nameserver:ns1", id=3, opened_at=BEGAN - 2 * HOUR, acked_by="slack:U1", acked_at=NOW - HOUR),
    ]
    incidents = incidents_of(outages, works[:5])
    many = incidents_of([at(ONE, id=number, opened_at=BEGAN - number * MINUTE) for number in range(51)], ())
    day = DailyDigest(
        NOW,
        incidents=incidents_of(outages, works[4:5]),
        overrun=(works[3],),
        planned=(replace(WORK, starts_at=NOW + HOUR),),
        late=2,
        missing=1,
        nowhere=("a", "b"),
        chosen=2,
        late_backups=("a", "c"),
        differing=("a on us", "b on de"),
        unfinished={"K7Q2": "failover of a from uk to us"},
        quarantined={"uk": 3, "us": 1},
    )
    suppressed = [(Target.server("us"), NOW, None), (Target.nameserver("ns1"), NOW + MINUTE, NOW + 2 * MINUTE)]
    sent = Reply(
        "uk is down",
        tuple(Text(f"line {number}") for number in range(9)),
        (Button("Add cause", "cause 7", asks="Why?"), Button("Acknowledge", "ack 7")),
        Tone.BAD,
    )
    compare(
        REPORTS,
        {
            **{f"maintenance, {name}": maintenance_card(one, ZONE, now) for name, (one, now) in phases.items()},
            "maintenance, listed": list_reply([*works[:4], replace(WORK, began_at=NOW + MINUTE)], ZONE, NOW),
            "maintenance, none": list_reply((), ZONE, NOW),
            "muted, one": silenced_line([("uk", NOW, "refused")], NOW + HOUR, ZONE, NOW),
            "muted, two": silenced_line([("uk", NOW, ""), ("us", BEGAN, "x")], NOW + HOUR, ZONE, NOW),
            "well again, one": back_line([("uk", HOUR)]),
            "well again, two": back_line([("uk", HOUR), ("us", 2 * HOUR)]),
            "incidents": incident_list(incidents, " in the last 7 days", ZONE, NOW),
            "incidents, none open": incident_list(incidents_of(outages[1:2], ()), "", ZONE, NOW),
            "incidents, very many": replace(incident_list(many, " today", ZONE, NOW), facts=None),
            "incidents, none": incident_list((), " today", ZONE, NOW),
            "an outage": outage_reply(outages[0], drawn(TWELVE), ZONE, NOW),
            "an outage that is over": outage_reply(outages[1], over(FULL, OutageEnd.UP), ZONE, NOW),
            **{
                f"a maintenance, {name}": maintenance_reply(one, suppressed, ZONE, now)
                for name, (one, now) in phases.items()
            },
            "the day": summary(day, "sharpnet", ZONE),
            "the day, all closed": summary(replace(DailyDigest(NOW), incidents=incidents[-1:]), "sharpnet", ZONE),
            "the day, one planned": summary(DailyDigest(NOW, planned=(WORK,)), "sharpnet", ZONE),
            "the day, copies never made": summary(DailyDigest(NOW, missing=2), "sharpnet", ZONE),
            "by mail": _message(sent),
            "by mail, again": _message(replace(sent, tone=Tone.BUSY, parts=(Typed("sharpnet status"),)), again=True),
            **{f"by mail, {tone}": _message(Reply("uk", tone=tone)) for tone in (Tone.GOOD, Tone.WARN, Tone.PLAIN)},
            "the store": store_failed("disk full", BEGAN, {Target.server("uk")}, ZONE, NOW),
            "the store, nothing is down": store_failed("disk full", BEGAN, (), ZONE, NOW),
            "the store again": store_recovered(BEGAN - HOUR, ZONE, NOW),
            "why it did not get through": [
                failure_reason(logged)
                for logged in (
                    "Unparseable URL", "unsupported schema x://", "could not load it", "Unknown schema", "error=404,",
                    "error = 500.", "[Errno 111] x", "Connection refused", "timeout", "timed out", "time out",
                    "Name or service not known", "getaddrinfo failed", "name resolution", "certificate verify failed",
                    "authentication failed", "535 5.7.8", "550 mailbox unavailable", "421 4.7 it was denied",
                    "[Errno 113] x", "[Errno 110] x", "Network is unreachable", "Connection reset by peer", "no", "",
                )
            ],
        },
    )  # fmt: skip


def _message(reply: Reply, *, again: bool = False) -> str:
    message = message_of(reply, BEGAN, None if again else 12, fleet="sharpnet", timezone=ZONE, again=again)
    return f"{message.title} ({message.kind})\n{shown(message.body)}"
