"""A restore as a plan: what is approved, what it says, and when it no longer fits."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from unit.replies import said

from core.cutover.card import card_of
from core.cutover.card_restore import after_words, done_reply, dry_run_reply
from core.cutover.steps import END, HOLD, Outcome, Step, how_it_ended, next_steps
from core.fleet import ApprovalPolicy
from core.plan.approval import why_not_roll_back
from core.plan.plan import Failover, Plan, PlanState, plan_from_json, plan_to_json
from core.plan.progress import CutoverProgress
from core.plan.restore import Restore, differences, restore_from_json, restore_to_json, warnings_of
from core.plan.stored import StoredPlan

if TYPE_CHECKING:
    from core.fleet import Fleet

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RESTORE_STEP = Step("restore", "shop")


@pytest.fixture
def restore(fleet: Fleet) -> Restore:
    server = next(iter(fleet.servers))
    return Restore("shop", server, "01234567", NOW - timedelta(hours=9), "old", "/srv/shop", served=True)


@pytest.fixture
def restoring(restore: Restore) -> Plan:
    return Plan(
        id="K7Q2",
        purpose=restore,
        moves=(),
        zones=(),
        asked_by="slack:U1",
        asked_at=NOW,
        expires_at=NOW + timedelta(minutes=10),
        verdicts=warnings_of(restore, NOW),
        line="backup restore shop --to x",
    )


def test_it_survives_being_kept_and_its_backup_is_in_the_digest(restoring: Plan, restore: Restore) -> None:
    kept = plan_from_json(json.loads(json.dumps(plan_to_json(restoring))))
    assert kept == restoring
    assert restore_from_json(json.loads(json.dumps(restore_to_json(restore)))) == restore
    other = replace(restoring, purpose=replace(restore, snapshot="76543210"))
    assert other.digest != restoring.digest


def test_a_plan_that_was_made_before_there_were_restores_still_loads(restoring: Plan) -> None:
    plain = plan_to_json(replace(restoring, purpose=Failover()))
    del plain["restore"]
    assert plan_from_json(json.loads(json.dumps(plain))).purpose == Failover()


def test_it_may_be_approved_and_is_about_its_site_though_it_moves_none(restoring: Plan, restore: Restore) -> None:
    assert restoring.may_be_approved
    assert restoring.sites == ("shop",)
    assert restoring.title == f"restore of shop on {restore.server}"


def test_it_holds_restores_and_ends(restoring: Plan) -> None:
    assert next_steps(restoring, {}) == (HOLD,)
    assert next_steps(restoring, {HOLD.key: Outcome.DONE}) == (RESTORE_STEP,)
    assert next_steps(restoring, {HOLD.key: Outcome.DONE, RESTORE_STEP.key: Outcome.DONE}) == (END,)
    assert next_steps(restoring, {HOLD.key: Outcome.REFUSED}) == (END,)
    assert next_steps(restoring, {HOLD.key: Outcome.DONE, RESTORE_STEP.key: Outcome.REFUSED}) == (END,)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Outcome.DONE, PlanState.CONFIRMED), (Outcome.REFUSED, PlanState.STALE), (Outcome.UNKNOWN, PlanState.PARTIAL)],
)
def test_its_end_is_what_became_of_the_restore(restoring: Plan, outcome: Outcome, state: PlanState) -> None:
    assert how_it_ended(restoring, {HOLD.key: Outcome.DONE, RESTORE_STEP.key: outcome}) == state
    assert how_it_ended(restoring, {HOLD.key: Outcome.REFUSED}) == PlanState.STALE


def test_it_cannot_be_rolled_back_and_says_where_the_old_content_is(restoring: Plan) -> None:
    why = why_not_roll_back(StoredPlan(restoring, PlanState.CONFIRMED, ended_at=NOW), timedelta(days=7), NOW)
    assert why is not None
    assert "recoverable on the server" in why


def test_what_is_there_or_served_needs_an_approval_and_warns(restore: Restore) -> None:
    assert restore.needs_approval
    assert [one.check for one in warnings_of(restore, NOW)] == ["served"]
    mirror = replace(restore, served=False)
    assert mirror.needs_approval
    assert [one.check for one in warnings_of(replace(mirror, quarantined=True), NOW)] == ["replaced", "quarantine"]
    bare = replace(mirror, there="empty")
    assert replace(bare, databases_there=("shop",)).needs_approval
    assert [one.check for one in warnings_of(replace(bare, databases_there=("shop",)), NOW)] == ["databases"]
    assert not bare.needs_approval
    assert warnings_of(bare, NOW) == ()


def test_one_that_no_record_confirms_needs_an_approval_that_knows_it(restore: Restore) -> None:
    bare = replace(restore, served=False, there="empty", recorded=False)
    assert bare.needs_approval
    (warning,) = warnings_of(bare, NOW)
    assert warning.text.startswith("no record confirms this backup: that it is shop's, and its time, is what")
    assert "old could have written it" in warning.hint


def test_what_has_changed_since_it_was_shown_is_said(restore: Restore) -> None:
    assert differences(restore, restore) == ()
    assert "no longer what would be restored" in differences(restore, None)[0]
    for change in (
        {"snapshot": "x"},
        {"full_id": "x"},
        {"root": "/x"},
        {"dumps": "/x"},
        {"recorded": False},
        {"repository": "x"},
    ):
        assert "no longer what would be restored" in differences(restore, replace(restore, **change))[0]
    other = replace(restore, served=False, there="missing", quarantined=True, databases=("shop",))
    assert len(differences(restore, other)) == 4
    assert len(differences(other, restore)) == 4


def test_the_card_asks_with_the_consequence_in_words(restoring: Plan, restore: Restore, fleet: Fleet) -> None:
    card = card_of(StoredPlan(restoring, PlanState.PLANNED), fleet)
    assert card.title.startswith(f"Restore shop on {restore.server} from the backup of ")
    assert "which visitors see? Plan K7Q2, until" in card.title
    assert "9 h ago" in said(card)
    assert "sharpnet approve K7Q2" in said(card)
    assert [button.label for button in card.buttons] == ["Approve", "Cancel"]
    confirm = card.buttons[0].confirm
    assert confirm is not None
    assert "stays recoverable" in confirm.text
    assert len(confirm.text) <= 300
    quiet = replace(restoring, verdicts=(), purpose=replace(restore, served=False, databases=("shop", "stats")))
    card = card_of(StoredPlan(quiet, PlanState.PLANNED), fleet)
    assert "databases | shop, stats" in said(card)
    assert "which visitors see" not in card.title


def test_two_approvals_are_counted(restoring: Plan, fleet: Fleet) -> None:
    strict = replace(fleet, approval=ApprovalPolicy(needed=2))
    assert "Needs 2 approvals by different people." in said(card_of(StoredPlan(restoring, PlanState.PLANNED), strict))
    assert "approved so far: bob." in said(card_of(StoredPlan(restoring, PlanState.PLANNED, ("bob",)), strict))


@pytest.mark.parametrize(
    ("state", "begins", "button"),
    [
        (PlanState.APPROVED, "Restoring shop", ["Cancel"]),
        (PlanState.CONFIRMED, "Done: restored shop", []),
        (PlanState.PARTIAL, "Not certain, or done in part: restoring shop", ["Prepare again"]),
        (PlanState.STALE, "Nothing changed: restore of shop", ["Prepare again"]),
        (PlanState.LOST, "Lost track of plan", ["Prepare again"]),
        (PlanState.CANCELLED, "Cancelled: restore of shop", []),
        (PlanState.EXPIRED, "Expired: restore of shop", ["Prepare again"]),
    ],
)
def test_every_state_has_its_title(
    restoring: Plan, fleet: Fleet, state: PlanState, begins: str, button: list[str]
) -> None:
    card = card_of(StoredPlan(restoring, state), fleet)
    assert card.title.startswith(begins)
    assert [one.label for one in card.buttons] == button


def test_the_end_says_how_long_it_took_who_approved_and_what_went_wrong(restoring: Plan, fleet: Fleet) -> None:
    progress = CutoverProgress("restoring", trouble={"shop": "the disk is full"})
    stored = StoredPlan(restoring, PlanState.CONFIRMED, ("bob",), NOW, NOW + timedelta(seconds=90), progress)
    card = card_of(stored, fleet, why=("because",))
    assert card.title.endswith(", 1 min 30 s after approval")
    assert "because" in said(card)
    assert "shop: the disk is full" in said(card)
    assert "approved by bob" in said(card)


def test_what_comes_next_is_said(restore: Restore) -> None:
    assert "Visitors see it now" in after_words(restore)
    assert "recoverable on" in after_words(restore)
    bare = replace(restore, served=False, there="missing")
    assert after_words(bare) == f"{bare.server} does not serve it: the next sync makes it what the served copy is."


def test_a_dry_run_and_a_restore_without_a_plan_answer_in_words(restore: Restore, fleet: Fleet) -> None:
    reply = dry_run_reply(restore, fleet, NOW)
    assert "It would ask for approval first." in said(reply)
    bare = replace(restore, served=False, there="missing")
    reply = dry_run_reply(bare, fleet, NOW)
    assert "It would be done at once." in said(reply)
    assert "nothing: the root is missing there" in said(reply)
    assert "an empty folder" in said(dry_run_reply(replace(bare, there="empty"), fleet, NOW))
    done = done_reply(bare, 1.5, NOW)
    assert done.title == f"shop is back on {bare.server} as it was 9 h ago"
