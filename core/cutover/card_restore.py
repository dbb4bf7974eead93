"""A restore as people see it: what it would do, the plan that waits for approval, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from core.cutover.card_parts import (
    EXIT_CODES,
    approve_button,
    asked_text,
    cancel_button,
    ended_early_texts,
    trouble_texts,
    verdicts_parts,
)
from core.cutover.card_title import lost_title
from core.fleet.servers import with_place
from core.plan.plan import PlanState
from core.plan.restore import EMPTY, FILES, restore_to_json
from core.reply import Button, Confirm, Part, Reply, Row, Table, Text, Tone, Typed
from core.wording import ago, clock_time, duration, listing

if TYPE_CHECKING:
    from datetime import datetime

    from core.fleet import Fleet
    from core.plan.plan import Plan
    from core.plan.restore import Restore
    from core.plan.stored import StoredPlan


def restore_card(stored: StoredPlan, restore: Restore, fleet: Fleet, why: tuple[str, ...] = ()) -> Reply:
    """Return the card of a plan that restores, in any state. why: why it ended early."""
    plan = stored.plan
    title, tone = _title(stored, restore, fleet)
    parts: list[Part] = []
    buttons: tuple[Button, ...] = ()
    if stored.state == PlanState.PLANNED:
        parts += verdicts_parts(plan.verdicts)
        parts.append(what_table(restore, fleet, plan.asked_at))
        parts.append(asked_text(stored, fleet))
        parts.append(Typed(f"sharpnet approve {plan.id}"))
        buttons = (_approve(plan, restore), Button("Cancel", f"cancel {plan.id}"))
    else:
        if stored.state == PlanState.APPROVED:
            parts.append(Text(f"{stored.progress.doing or 'Starting'}.", Tone.BUSY))
            buttons = () if stored.progress.cancelled_by else (cancel_button(plan),)
        parts += ended_early_texts(stored)
        parts += [Text(line, Tone.WARN) for line in why]
        parts += trouble_texts(stored)
        if stored.state == PlanState.CONFIRMED:
            parts.append(Text(after_words(restore)))
        if stored.approved_by:
            parts.append(Text(f"Plan {plan.id}, asked by {plan.asked_by}, approved by {listing(stored.approved_by)}."))
        if stored.state in {PlanState.STALE, PlanState.EXPIRED, PlanState.PARTIAL, PlanState.LOST} and plan.line:
            buttons = (Button("Prepare again", plan.line),)
    return Reply(
        title=title,
        parts=tuple(parts),
        buttons=buttons,
        tone=tone,
        exit_code=EXIT_CODES.get(stored.state, 0),
        card=stored.card,
    )


def what_table(restore: Restore, fleet: Fleet, now: datetime) -> Table:
    """Show what comes from where, and what becomes of what is there."""
    taken = f"{clock_time(restore.taken_at, fleet.timezone, now)} ({ago(restore.taken_at, now)}), on {restore.taken_on}"
    replaced = {
        FILES: "its files there, which stay recoverable",
        EMPTY: "an empty folder",
    }.get(restore.there, "nothing: the root is missing there")
    rows = [
        Row(("site", restore.site)),
        Row(("to", with_place(restore.server, fleet.servers))),
        Row(("backup", f"{restore.snapshot}, taken {taken}")),
        Row(("replaces", replaced), Tone.WARN if restore.there == FILES else Tone.PLAIN),
    ]
    if restore.databases:
        rows.append(Row(("databases", listing(restore.databases))))
    return Table(("", "what"), tuple(rows))


def dry_run_reply(restore: Restore, fleet: Fleet, now: datetime) -> Reply:
    """Return what a restore would do."""
    approve = "It would ask for approval first." if restore.needs_approval else "It would be done at once."
    return Reply(
        title=f"Dry run: {restore.site} would come back to {restore.server} as it was {ago(restore.taken_at, now)}",
        parts=(what_table(restore, fleet, now), Text(approve)),
        facts={
            "restore": restore_to_json(restore),
            "needs_approval": restore.needs_approval,
            "recorded": restore.recorded,
        },
    )


def done_reply(restore: Restore, took_s: float, now: datetime) -> Reply:
    """Return the end of a restore that replaced nothing, and so needed no plan."""
    return Reply(
        title=f"{restore.site} is back on {restore.server} as it was {ago(restore.taken_at, now)}",
        parts=(Text(after_words(restore)),),
        tone=Tone.GOOD,
        facts={"restore": restore_to_json(restore), "took_s": round(took_s, 3)},
    )


def after_words(restore: Restore) -> str:
    """Say what is true now and what comes next."""
    words = []
    if restore.there == FILES:
        words.append(f"What it replaced is recoverable on {restore.server}, in .sharpnet beside its root.")
    if restore.served:
        words.append("Visitors see it now; its mirrors follow with their next sync.")
    else:
        words.append(f"{restore.server} does not serve it: the next sync makes it what the served copy is.")
    return " ".join(words)


def _title(stored: StoredPlan, restore: Restore, fleet: Fleet) -> tuple[str, Tone]:
    plan = stored.plan
    taken = clock_time(restore.taken_at, fleet.timezone, plan.asked_at)
    what = f"{restore.site} on {restore.server} from the backup of {taken}"
    match stored.state:
        case PlanState.PLANNED:
            until = clock_time(plan.expires_at, fleet.timezone, plan.asked_at)
            served = ", which visitors see" if restore.served else ""
            return f"Restore {what}{served}? Plan {plan.id}, until {until}", Tone.WARN
        case PlanState.APPROVED:
            return f"Restoring {what}", Tone.BUSY
        case PlanState.CONFIRMED:
            took = ""
            if stored.ended_at is not None and stored.approved_at is not None:
                took = f", {duration(stored.ended_at - stored.approved_at)} after approval"
            return f"Done: restored {what}{took}", Tone.GOOD
        case PlanState.PARTIAL:
            return f"Not certain, or done in part: restoring {what}. Look at {restore.server}", Tone.BAD
        case PlanState.LOST:
            return lost_title(plan)
        case PlanState.STALE:
            return f"Nothing changed: {plan.title} was not carried out", Tone.BAD
        case (
            PlanState.BLOCKED
            | PlanState.UNFINISHED
            | PlanState.OVERTAKEN
            | PlanState.CANCELLED
            | PlanState.EXPIRED
            | PlanState.ROLLED_BACK
        ):
            return f"{stored.state.value.capitalize()}: {plan.title}. Nothing changed", Tone.PLAIN
        case _:
            assert_never(stored.state)


def _approve(plan: Plan, restore: Restore) -> Button:
    text = f"{restore.site} on {restore.server} becomes what it was; what is there now stays recoverable."
    text += f" You accept: {plan.warnings[0].text}." if plan.warnings else ""
    confirm = Confirm(f"Restore {restore.site}?", text[:300], yes="Yes, restore it")
    return approve_button(plan, confirm)
