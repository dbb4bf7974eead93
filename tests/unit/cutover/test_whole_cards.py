"""What a plan's card shows, whole: each state of a cutover, of one in waves, of a rollback and of a restore."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from unit.wholes import compare

from core.cutover.card import card_of, reply_of
from core.cutover.card_restore import done_reply, dry_run_reply
from core.dns.records import RecordChange, RecordSet
from core.fleet import ApprovalPolicy
from core.fleet.hook_runs import HookRun
from core.plan.plan import Failover, Move, Plan, PlanState, Rollback
from core.plan.progress import CutoverProgress, LateFiles, NameServerProgress, ZoneDone
from core.plan.restore import Restore, differences, warnings_of
from core.plan.stored import StoredPlan
from core.plan.verdict import Level, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from core.fleet import Fleet
    from core.reply import Reply

FILE = Path(__file__).parent / "whole_cards.txt"
RESTORES = Path(__file__).parent / "whole_restores.txt"
WARN = Verdict("data age", Level.WARN, "too old: shop", "What changed since is not in the copy.")
BLOCK = Verdict("target", Level.BLOCK, "south does not answer SSH: refused", "Choose another.")
PASS = Verdict("own link", Level.PASS, "the bot's own link is up")
OLD = NameServerProgress("ns2", agrees=False, old=1, serial=10)
NEW = NameServerProgress("ns1", agrees=True, serial=11, seconds=0.42)


def progress_of(plan: Plan, now: datetime, zones: int = 2) -> CutoverProgress:
    """Return where a cutover is of which so many zones were changed and both name servers agree."""
    done = {
        zone.key: ZoneDone(now + timedelta(seconds=21 + number), zone.serial + 1)
        for number, zone in enumerate(plan.zones[:zones])
    }
    both = (NEW, NameServerProgress("ns2", agrees=True, serial=12, seconds=71.2))
    return CutoverProgress("Asking name servers", done, {}, both, now + timedelta(seconds=92))


def test_a_plans_card_is_what_people_were_promised(plan: Plan, fleet: Fleet, now: datetime) -> None:
    drawn = {
        name: reply_of(stored, fleet) if name == "confirmed" else card_of(stored, fleet)
        for name, stored in cutovers(plan, now).items()
    }
    drawn |= asked_of_people(plan, fleet, now)
    compare(FILE, drawn)


def cutovers(plan: Plan, now: datetime) -> dict[str, StoredPlan]:
    approved_at, ended_at = now + timedelta(seconds=20), now + timedelta(seconds=95)
    done, half = progress_of(plan, now), progress_of(plan, now, 1)
    waves = in_waves(plan)

    def at(state: PlanState, progress: CutoverProgress, of: Plan = plan) -> StoredPlan:
        return StoredPlan(of, state, ("slack:U2", "slack:U3"), approved_at, ended_at, progress)

    late = replace(done, nameservers=(NEW, OLD), in_step_at=None)
    troubled = done.with_trouble("thaw shop", "it may still be frozen")
    on = {"shop.test": "BBBB", "blog.test": "CCCC", "www.shop.test": "BBBB"}
    caught = {"shop": LateFiles(6, ("a", "b", "c", "d", "e", "f"), 1), "blog": LateFiles(1, ("g",), 2)}
    one_file = replace(done, caught={"shop": LateFiles(1, ("a",), 1)})
    changed_in_part = half.with_trouble(plan.zones[1].key, "somebody changed it").with_trouble("blog", "no room")
    cancelled = replace(half, cancelled_by="slack:U1", gave_way={"shop": "a sync to south", "blog": "a drill"})
    single = replace(plan, moves=plan.moves[:1], zones=plan.zones[:1])
    stopped = replace(progress_of(waves, now, 1), wave=1).with_trouble("sync blog", "no room")
    return {
        "approved": at(PlanState.APPROVED, CutoverProgress()),
        "approved, one name server behind": at(PlanState.APPROVED, replace(half, nameservers=(NEW, OLD))),
        "approved and cancelled": at(PlanState.APPROVED, cancelled),
        "approved, in waves": at(PlanState.APPROVED, replace(progress_of(waves, now, 1), wave=1), waves),
        "confirmed": at(PlanState.CONFIRMED, done),
        "confirmed, one site": at(PlanState.CONFIRMED, progress_of(single, now), single),
        "confirmed, nobody knows when it was approved": replace(at(PlanState.CONFIRMED, done), approved_at=None),
        "confirmed, with trouble": at(PlanState.CONFIRMED, troubled),
        "confirmed, with late files": at(PlanState.CONFIRMED, replace(done, caught=caught)),
        "confirmed, with one late file": at(PlanState.CONFIRMED, one_file),
        "confirmed, in waves": at(PlanState.CONFIRMED, replace(progress_of(waves, now), wave=1), waves),
        "confirmed, without one that left": at(
            PlanState.CONFIRMED, replace(done, nameservers=(NEW, replace(OLD, gone=True)))
        ),
        "confirmed, a rollback": at(PlanState.CONFIRMED, done, replace(plan, purpose=Rollback("AAAA"), force="hurry")),
        "unfinished": at(PlanState.UNFINISHED, replace(late, moved_on={"shop.test": "BBBB"})),
        "overtaken": at(PlanState.OVERTAKEN, replace(late, moved_on=on)),
        "in part": at(PlanState.PARTIAL, changed_in_part),
        "in part, without name servers": at(PlanState.PARTIAL, CutoverProgress(), replace(plan, line="")),
        "in part, in waves": at(PlanState.PARTIAL, stopped, replace(waves, line="failover shop blog --planned")),
        "in part, trouble in the wave that moved": at(PlanState.PARTIAL, replace(stopped, wave=0), waves),
        "in part, cancelled": at(PlanState.PARTIAL, cancelled),
        "in part, a rollback": at(PlanState.PARTIAL, half, replace(plan, purpose=Rollback("AAAA"))),
        "rolled back": at(PlanState.ROLLED_BACK, done),
    }


def asked_of_people(plan: Plan, fleet: Fleet, now: datetime) -> dict[str, Reply]:
    strict = replace(fleet, approval=ApprovalPolicy(needed=2))
    hooks = [
        HookRun(site, moment, server, "stop", 9.0, "north", "south", "/srv")
        for site in ("shop", "blog")
        for moment, server in (("freeze", "north"), ("thaw", "south"))
    ]
    verdicts = (PASS, WARN, BLOCK, replace(PASS, text="the target answers"), replace(WARN, text="disk 91 % full"))
    full = replace(
        plan,
        verdicts=verdicts,
        force="the house burns",
        hooks=tuple(hooks),
        left_alone=(("alone", "it has no mirror"), ("far", "its home is elsewhere")),
    )
    many = [
        RecordChange(RecordSet(f"n{n}.test", "A", 60 + n % 13, ("192.0.2.1",)), None if n % 2 else RecordSet(
            f"n{n}.test", "A", 60 + n % 13, ("192.0.2.2", "192.0.2.3")))
        for n in range(600)
    ]  # fmt: skip
    long = replace(plan, zones=(replace(plan.zones[0], changes=tuple(many)),), moves=plan.moves[:1])
    stale = StoredPlan(plan, PlanState.STALE, ("slack:U2",), now, now + timedelta(seconds=9))
    failed = replace(stale, progress=CutoverProgress().with_trouble("busy", "a sync"))
    nobody = replace(plan, line="")
    waves = replace(in_waves(plan), hooks=tuple(hooks[:1]))
    twenty = replace(
        plan,
        moves=tuple(Move(f"site{number}", "north", "south", number) for number in range(20)),
        zones=tuple(replace(plan.zones[number % 2], wave=number) for number in range(20)),
        wave_size=1,
    )
    two = {zone.key: ZoneDone(now, 11) for zone in twenty.zones[:8]}
    return {
        "planned": card_of(StoredPlan(plan, PlanState.PLANNED), fleet),
        "planned, with all there is to say": card_of(StoredPlan(full, PlanState.PLANNED), fleet),
        "planned, one warning": card_of(StoredPlan(replace(plan, verdicts=(WARN,)), PlanState.PLANNED), fleet),
        "planned, one of two has approved": card_of(StoredPlan(plan, PlanState.PLANNED, ("slack:U2",)), strict),
        "planned, none of two has approved": card_of(StoredPlan(plan, PlanState.PLANNED), strict),
        "planned, many records": card_of(StoredPlan(long, PlanState.PLANNED), fleet),
        "planned, in waves": card_of(StoredPlan(waves, PlanState.PLANNED), fleet),
        "planned, a rollback": card_of(
            StoredPlan(replace(plan, purpose=Rollback("AAAA")), PlanState.PLANNED), fleet
        ),
        "blocked": card_of(StoredPlan(replace(full, force=None), PlanState.BLOCKED), fleet),
        "blocked twice, one site": card_of(
            StoredPlan(
                replace(nobody, verdicts=(BLOCK, BLOCK, BLOCK), moves=plan.moves[:1]), PlanState.BLOCKED
            ),
            fleet,
        ),
        "under way, many waves": card_of(
            StoredPlan(twenty, PlanState.APPROVED, ("slack:U2",), now, progress=CutoverProgress(zones=two, wave=9)),
            fleet,
        ),
        "under way, the last of many waves": card_of(
            StoredPlan(twenty, PlanState.APPROVED, ("slack:U2",), now, progress=CutoverProgress(wave=19)), fleet
        ),
        "in part, many waves": card_of(
            StoredPlan(twenty, PlanState.PARTIAL, ("slack:U2",), now, now, CutoverProgress(zones=two, wave=9)), fleet
        ),
        "stale": card_of(stale, fleet, why=("www.shop.test A: now it is 192.0.2.9",), by="slack:U2"),
        "stale, it failed": card_of(failed, fleet),
        "cancelled": card_of(replace(stale, state=PlanState.CANCELLED), fleet, why=("not today",), by="slack:U2"),
        "lost track of": card_of(replace(stale, state=PlanState.LOST), fleet, why=("the store was put back.",)),
        "lost track of, with what it may have frozen": card_of(StoredPlan(full, PlanState.LOST), fleet),
        "expired": card_of(StoredPlan(plan, PlanState.EXPIRED), fleet, by="bot"),
        "expired, asked for by nobody": card_of(StoredPlan(nobody, PlanState.EXPIRED), fleet),
    }  # fmt: skip


def in_waves(plan: Plan) -> Plan:
    moves = tuple(replace(move, wave=number) for number, move in enumerate(plan.moves))
    zones = tuple(replace(zone, wave=number) for number, zone in enumerate(plan.zones))
    return replace(plan, moves=moves, zones=zones, wave_size=1, purpose=Failover(planned=True))


def test_a_restores_card_and_words_are_what_people_were_promised(fleet: Fleet, now: datetime) -> None:
    one = Restore(
        "shop", "south", "01234567", now - timedelta(hours=9), "old", "/srv/shop", "", "files",
        ("shop", "stats"), ("shop",), served=True, quarantined=True,
    )  # fmt: skip
    mirror = replace(one, served=False, quarantined=False, databases=(), databases_there=())
    bare = replace(mirror, there="missing", server="gone")
    approved_at, ended_at = now + timedelta(seconds=20), now + timedelta(seconds=110)
    trouble = CutoverProgress("Bringing it back", trouble={"shop": "the disk is full"})
    cancelled = replace(trouble, cancelled_by="slack:U1", trouble={}, doing="")

    def of(restore: Restore, state: PlanState, progress: CutoverProgress | None = None) -> Reply:
        plan = Plan(
            "K7Q2", restore, (), (), "slack:U1", now, now + timedelta(minutes=10),
            verdicts=warnings_of(restore, now), line="backup restore shop --to south",
        )  # fmt: skip
        if state is PlanState.PLANNED:
            return card_of(StoredPlan(plan, state), fleet)
        stored = StoredPlan(plan, state, ("slack:U2",), approved_at, ended_at, progress or CutoverProgress())
        return card_of(stored, fleet, why=("it was late",) if state is PlanState.EXPIRED else ())

    drawn: dict[str, object] = {
        "planned, served": of(one, PlanState.PLANNED),
        "planned, a mirror": of(mirror, PlanState.PLANNED),
        "planned, nothing is there": of(bare, PlanState.PLANNED),
        "approved": of(one, PlanState.APPROVED, trouble),
        "approved and cancelled": of(one, PlanState.APPROVED, cancelled),
        **{state.value: of(one, state) for state in PlanState if state not in {PlanState.PLANNED, PlanState.APPROVED}},
        "confirmed, a mirror": of(mirror, PlanState.CONFIRMED, trouble),
        "a dry run": dry_run_reply(one, fleet, now),
        "a dry run into an empty folder": dry_run_reply(replace(bare, there="empty"), fleet, now),
        "done without a plan": done_reply(bare, 1.23456, now),
        "what differs": differences(
            one,
            replace(one, served=False, there="missing", quarantined=False, databases_there=()),
        ),
        "what differs the other way": differences(mirror, replace(mirror, served=True, quarantined=True)),
    }
    compare(RESTORES, drawn)
