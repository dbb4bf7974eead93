"""Just at a limit, one beside it, and what lacks something: plans, approvals, cutovers, restores, hooks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from core.cutover.card import card_of
from core.cutover.overtaken import moved_on
from core.dns.records import RecordChange, RecordSet
from core.fleet import Database, Endpoint
from core.fleet.hook_runs import LONGEST_LINE, HookRun, one_line
from core.plan.cancelling import cancel_line, gives_way, or_cancel
from core.plan.hooks import without_freeze
from core.plan.plan import Plan, PlanState, Rollback
from core.plan.progress import CutoverProgress, NameServerProgress, ZoneDone
from core.plan.restore import EMPTY, FILES, MISSING, Restore
from core.plan.stored import StoredPlan
from core.plan.verdict import Level, Verdict
from core.reply import Table, Tone

if TYPE_CHECKING:
    from datetime import datetime

    from core.fleet import Fleet

SECOND = timedelta(seconds=1)


def test_only_a_name_server_that_is_gone_and_did_not_agree_before_is_gone_without() -> None:
    servers = (
        NameServerProgress("ns1", agrees=True),
        NameServerProgress("ns2", agrees=False),
        NameServerProgress("ns3", agrees=False, gone=True),
        NameServerProgress("ns4", agrees=True, gone=True),
    )
    progress = CutoverProgress(nameservers=servers)
    assert (progress.gone, progress.late, progress.in_step) == (("ns3",), ("ns2",), 1)


def test_what_a_rollback_has_left_is_not_planned_again_by_its_line(plan: Plan, fleet: Fleet, now: datetime) -> None:
    back = replace(plan, purpose=Rollback("AAAA"), line="rollback AAAA")
    for one, labels in ((plan, ["Plan the rest", "Roll back"]), (back, [])):
        card = card_of(StoredPlan(one, PlanState.PARTIAL, ("slack:U2",), now, now), fleet)
        assert [button.label for button in card.buttons] == labels


def test_a_name_server_that_answers_something_else_is_in_trouble_and_one_that_lags_is_not(
    plan: Plan, fleet: Fleet, now: datetime
) -> None:
    servers = (NameServerProgress("ns1", agrees=False, wrong=1), NameServerProgress("ns2", agrees=False, why="silent"))
    stored = StoredPlan(plan, PlanState.APPROVED, ("slack:U2",), now, progress=CutoverProgress(nameservers=servers))
    (table,) = [part for part in card_of(stored, fleet).parts if isinstance(part, Table)]
    assert [(row.cells[2], row.tone) for row in table.rows] == [("something else", Tone.BAD), ("silent", Tone.BAD)]


def test_a_record_that_is_not_there_yet_is_shown_with_what_it_will_be(plan: Plan, fleet: Fleet) -> None:
    new = RecordChange(None, RecordSet("shop.test", "AAAA", 120, ("2001:db8::2",)))
    one = replace(plan, zones=(replace(plan.zones[0], changes=(new,)),))
    card = card_of(StoredPlan(one, PlanState.PLANNED), fleet)
    (table,) = [part for part in card.parts if isinstance(part, Table)]
    assert table.rows[0].cells == ("AAAA none → 2001:db8::2", "120 s", "shop.test")
    assert one.longest_ttl_s == 0


def test_a_zone_on_two_update_servers_counts_twice_unless_it_is_moved_in_waves(plan: Plan, fleet: Fleet) -> None:
    zones = (plan.zones[0], replace(plan.zones[0], update=Endpoint("192.0.2.54")))
    for wave_size, said in ((0, "6 records in 2 zones."), (1, "6 records in 1 zone.")):
        one = replace(plan, zones=zones, wave_size=wave_size)
        assert said in card_of(StoredPlan(one, PlanState.PLANNED), fleet).title


def test_twelve_kinds_of_change_are_shown_and_of_thirteen_one_is_counted(plan: Plan, fleet: Fleet) -> None:
    for number, left_out in ((12, 0), (13, 1)):
        sets = [RecordChange(RecordSet(f"n{n}.test", "A", 60 + n, ("192.0.2.1",)), None) for n in range(number)]
        hooks = tuple(
            HookRun("shop", "freeze", "north", f"run {n}", 9.0, "north", "south", "/srv") for n in range(number)
        )
        one = replace(plan, zones=(replace(plan.zones[0], changes=tuple(sets)),), hooks=hooks)
        tables = [part for part in card_of(StoredPlan(one, PlanState.PLANNED), fleet).parts if isinstance(part, Table)]
        assert [(len(table.rows), table.left_out) for table in tables] == [(12, left_out)] * 2


def test_a_line_for_the_rest_may_have_1500_letters_and_no_more(plan: Plan, fleet: Fleet, now: datetime) -> None:
    for length, buttons in ((1500, 2), (1501, 1)):
        line = "failover shop blog ".ljust(length - 1, "x") + "y"
        stored = StoredPlan(replace(plan, line=line), PlanState.PARTIAL, ("slack:U2",), now, now)
        assert len(card_of(stored, fleet).buttons) == buttons


@pytest.mark.parametrize(
    ("there", "served", "databases_there", "needs"),
    [
        (FILES, False, (), True),
        (EMPTY, False, (), False),
        (MISSING, False, (), False),
        (EMPTY, True, (), True),
        (MISSING, False, ("shop",), True),
    ],
)
def test_a_restore_needs_an_approval_where_something_is_or_visitors_are_sent(
    now: datetime, there: str, served: bool, databases_there: tuple[str, ...], needs: bool
) -> None:
    restore = Restore("shop", "north", "0123", now, "old", "/srv", "", there, (), databases_there, served=served)
    assert restore.needs_approval is needs
    plan = Plan("K7Q2", restore, (), (), "slack:U1", now, now)
    assert (plan.waves, plan.may_be_approved, plan.copies_first, plan.is_emergency) == (1, True, False, False)


def test_what_is_asked_before_a_restore_has_300_letters_at_most(now: datetime, fleet: Fleet) -> None:
    for length in (299, 300, 301):
        restore = Restore("shop", "north", "0123", now, "old", "/srv", served=True)
        text = "shop on north becomes what it was; what is there now stays recoverable. You accept: ."
        warning = Verdict("served", Level.WARN, "x" * (length - len(text)))
        plan = Plan("K7Q2", restore, (), (), "slack:U1", now, now, verdicts=(warning,))
        confirm = card_of(StoredPlan(plan, PlanState.PLANNED), fleet).buttons[0].confirm
        assert confirm is not None
        assert len(confirm.text) == min(length, 300)


def test_a_later_plan_counts_beside_the_plan_itself_and_beside_others_that_changed_other_names(
    plan: Plan, now: datetime
) -> None:
    def done(number: int, at: datetime) -> CutoverProgress:
        return CutoverProgress(zones={zone.key: ZoneDone(at, zone.serial + number) for zone in plan.zones})

    mine = StoredPlan(plan, PlanState.UNFINISHED, progress=done(1, now))
    again = replace(mine, progress=done(2, now + SECOND))
    later = replace(again, plan=replace(plan, id="BBBB", zones=plan.zones[:1]))
    none = replace(mine, plan=replace(plan, id="CCCC"), progress=CutoverProgress())
    names = {change.owner for change in plan.zones[0].changes}
    assert moved_on(mine, [again, none, later]) == dict.fromkeys(names, "BBBB")
    assert moved_on(mine, [again]) == {}


def test_by_the_same_serial_the_clock_decides_which_plan_was_later(plan: Plan, now: datetime) -> None:
    def at(id_: str, moment: datetime) -> StoredPlan:
        zones = {zone.key: ZoneDone(moment, zone.serial + 1) for zone in plan.zones}
        return StoredPlan(replace(plan, id=id_), PlanState.CONFIRMED, progress=CutoverProgress(zones=zones))

    for moment, is_later in ((now - SECOND, False), (now, False), (now + SECOND, True)):
        assert bool(moved_on(at("AAAA", now), [at("BBBB", moment)])) is is_later


def test_a_hook_at_another_moment_freezes_nothing(planned: Plan, fleet: Fleet) -> None:
    databases = (Database("mariadb", "shop"),)
    sites = {**fleet.sites, "shop": replace(fleet.sites["shop"], databases=databases)}
    with_database = replace(fleet, sites=sites)
    for moment, sites_left in (("before_cutover", ("shop",)), ("thaw", ("shop",)), ("freeze", ())):
        hook = HookRun("shop", moment, "north", "stop", 9.0, "north", "south", "/srv")  # type: ignore[arg-type]
        assert without_freeze(replace(planned, hooks=(hook,)), with_database) == sites_left


def test_a_line_of_a_hook_is_cut_above_200_letters() -> None:
    assert LONGEST_LINE == 200
    assert one_line("x" * 200) == "x" * 200
    assert one_line("x" * 201) == "x" * 199 + "…"


@pytest.mark.parametrize(
    ("claim", "line"),
    [
        ("site:shop", "cancel shop"),
        ("site:my shop", "cancel 'my shop'"),
        ("backup:shop", "cancel run1"),
        ("backup", "cancel run1"),
        ("site:", "cancel run1"),
        ("site", "cancel run1"),
    ],
)
def test_what_works_on_a_site_is_ended_by_its_name_and_else_by_its_own(claim: str, line: str) -> None:
    assert cancel_line(claim, "run1") == line
    assert or_cancel(claim, "run1") == f"when that has ended, or end it: `{line}`."


def test_an_emergency_waits_for_another_cutover_only() -> None:
    assert [gives_way(work) for work in ("a cutover", "a sync", "a backup")] == [False, True, True]
