"""What the Home tab shows: what waits for a person first, then what goes on, then the fleet, worst first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from core.monitor.detection import TargetState
from core.monitor.state import Condition, StateTally
from core.plan.verdict import Level, Verdict
from core.reply import Button, Reply, Row, Table, Text, Tone
from core.status.home_tab import MOST_CARDS, Pending, as_of, home_of
from core.status.overview import FleetPicture, InProgress

if TYPE_CHECKING:
    from core.plan.plan import Plan

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
UP = Condition(TargetState.UP, NOW - timedelta(days=1), "", NOW)
DOWN = Condition(TargetState.DOWN, NOW - timedelta(minutes=1), "SSH: connection refused", NOW)
BUTTONS = (Button("Approve", "approve K7Q2 --digest abc", "danger"), Button("Cancel", "cancel K7Q2"))
CARD = Reply("Move 2 sites from north to south, east?", (Table(("x",), (Row(("y",)),)),), BUTTONS)
ALERT = Reply(
    "north is down since 13:01:07 UTC",
    (Text("Seen from 2 places."), Table(("site",), (Row(("shop",)),))),
    (Button("Acknowledge", "ack 7"),),
    Tone.BAD,
)


def said(reply: Reply) -> list[str]:
    return [part.text for part in reply.parts if isinstance(part, Text)]


def rows(reply: Reply) -> list[tuple[str, ...]]:
    return [row.cells for part in reply.parts if isinstance(part, Table) for row in part.rows]


def titles(home: tuple[Reply, ...]) -> list[str]:
    return [reply.title for reply in home]


def of(home: tuple[Reply, ...], title: str) -> Reply:
    return next(reply for reply in home if reply.title == title)


def test_a_fleet_that_is_well_shows_the_whole_and_its_parts(picture: FleetPicture) -> None:
    home = home_of(picture)
    assert titles(home)[1:] == ["Servers", "Sites", "Name servers", "Copies"]
    assert home[0].title.startswith("test: north up, south up, east up; 4 of 4 sites served")
    assert home[0].tone is Tone.GOOD
    assert said(of(home, "Name servers")) == ["2 of 2 in step."]
    assert "the oldest was made 2 h 59 min ago (shop on south)" in said(of(home, "Copies"))[0]
    assert of(home, "Copies").buttons == (Button("Full status", "status"),)


def test_what_is_down_comes_first(picture: FleetPicture) -> None:
    home = home_of(
        replace(
            picture,
            servers={**picture.servers, "south": DOWN},
            nameservers={**picture.nameservers, "ns2": DOWN},
            sites=StateTally(up=3, down=1),
            worst=(("far", "south", DOWN),),
        )
    )
    assert home[0].tone is Tone.BAD
    assert rows(of(home, "Servers"))[0][:2] == ("south", "down")
    assert rows(of(home, "Sites"))[0][:2] == ("far", "down")
    assert [row[0] for row in rows(of(home, "Name servers"))] == ["ns2", "1 other"]


def test_name_servers_that_are_all_in_trouble_leave_no_others(picture: FleetPicture) -> None:
    home = home_of(replace(picture, nameservers=dict.fromkeys(picture.nameservers, DOWN)))
    assert [row[0] for row in rows(of(home, "Name servers"))] == ["ns1", "ns2"]


def test_a_site_in_trouble_on_servers_that_are_up_is_a_warning(picture: FleetPicture) -> None:
    assert home_of(replace(picture, sites=StateTally(up=3, down=1)))[0].tone is Tone.WARN


def test_where_nobody_looked_lately_that_is_said_first(picture: FleetPicture) -> None:
    whole = home_of(picture, watched=False)[0]
    assert whole.tone is Tone.UNKNOWN
    assert said(whole) == ["Nothing was looked at lately: what stands here may be over."]


def test_a_pending_approval_has_the_buttons_of_its_card(picture: FleetPicture, plan: Plan) -> None:
    home = home_of(picture, [Pending(plan, CARD, ("slack:U2",))], [ALERT])
    assert titles(home)[1:3] == [CARD.title, ALERT.title]
    assert home[1].buttons == BUTTONS
    assert said(home[1]) == [
        "Plan K7Q2 waits for approval until 13:12:07 UTC. Asked by slack:U1. Approved so far: slack:U2."
    ]


def test_what_is_in_the_way_of_a_plan_stands_beside_its_buttons(picture: FleetPicture, plan: Plan) -> None:
    verdicts = (Verdict("ssh", Level.PASS, "fine"), *(Verdict("age", Level.WARN, f"old {n}") for n in range(6)))
    plan = replace(plan, verdicts=verdicts, force="no other way")
    decision = home_of(picture, [Pending(plan, CARD)])[1]
    assert said(decision)[1:] == [
        "Forced by slack:U1: no other way", "old 0.", "old 1.", "old 2.", "old 3.", "2 more on its card.",
    ]  # fmt: skip


def test_a_plan_that_has_expired_has_no_buttons_here(picture: FleetPicture, plan: Plan) -> None:
    home = home_of(replace(picture, now=plan.expires_at), [Pending(plan, CARD)])
    assert CARD.title not in titles(home)


def test_an_alert_keeps_its_words_and_buttons_and_leaves_its_tables_in_the_channel(picture: FleetPicture) -> None:
    alert = home_of(picture, (), [ALERT])[1]
    assert alert == replace(ALERT, parts=(Text("Seen from 2 places."),))


@pytest.mark.parametrize("more", [0, 1, 3])
def test_of_very_many_alerts_the_first_are_shown_and_the_rest_is_counted(picture: FleetPicture, more: int) -> None:
    home = home_of(picture, (), [replace(ALERT, title=f"alert {number}") for number in range(MOST_CARDS + more)])
    assert [title for title in titles(home) if title.startswith("alert")] == [f"alert {n}" for n in range(MOST_CARDS)]
    left_out = [title for title in titles(home) if title.endswith("more in the ops channel")]
    assert left_out == ([f"{more} more in the ops channel"] if more else [])


def test_what_runs_is_shown_and_a_plan_that_waits_is_not_shown_twice(picture: FleetPicture, plan: Plan) -> None:
    work = InProgress(
        plans=(("K7Q2", "planned", plan.title), ("B2B2", "approved", "failover of shop")),
        syncs=("shop to south",),
        quarantined={"north": 2},
    )
    home = home_of(replace(picture, work=work), [Pending(plan, CARD)])
    assert said(of(home, "In progress")) == ["Plan B2B2 (approved): failover of shop", "1 sync runs: shop to south."]
    returned = of(home, "2 copies on north in quarantine until someone has chosen")
    assert returned.buttons == (Button("See what differs", "failback north"),)


def test_a_fleet_in_which_nothing_happens_shows_the_same_for_a_minute(picture: FleetPicture) -> None:
    later = [home_of(replace(picture, now=NOW.replace(second=second))) for second in (0, 59)]
    assert later[0] == later[1]


def test_it_says_when_it_was_written_and_what_to_do_where_that_is_long_ago() -> None:
    assert as_of(NOW, "Europe/London") == (
        "As of 2026-06-14 14:02:07 BST. Where that is more than 10 min ago, open this tab again."
    )
