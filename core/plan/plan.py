"""A plan: the exact changes that a person approves, as data, with a digest over all of it (law 1)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from core.dns.records import RecordChange, RecordSet
from core.fleet import Endpoint
from core.fleet.hook_runs import HookRun
from core.plan.basis import FleetBasis, basis_from_json
from core.plan.restore import Restore, restore_from_json, restore_to_json
from core.plan.verdict import Level, Verdict
from core.wording import count, from_stamp, listing, stamp

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

# What is approved, besides what has come later and is left out where a plan has none of it: so a plan that was made
# before that keeps its digest.
APPROVED = ("id", "kind", "moves", "zones", "expires_at", "planned", "force")
APPROVED_LATER = ("hooks", "no_hooks_on", "wave_size", "restore", "basis")


class PlanState(StrEnum):
    """Where a plan is: PLANNED waits, APPROVED is carried out, the others are ends; UNFINISHED is asked about still."""

    PLANNED = "planned"
    BLOCKED = "blocked"
    APPROVED = "approved"
    CONFIRMED = "confirmed"
    UNFINISHED = "unfinished"
    OVERTAKEN = "overtaken"
    PARTIAL = "partial"
    STALE = "stale"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    ROLLED_BACK = "rolled back"
    LOST = "lost"  # it was open in a store that was put back: nobody knows there what became of it since


@dataclass(frozen=True, slots=True)
class Move:
    """One site going from the server that serves it to another, in the wave `wave`, counted from 0."""

    site: str
    source: str
    target: str
    wave: int = 0


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """What one update server is asked to change in one zone, in one message. `serial`: the zone's when planned.

    Two waves may change the same zone: each its own records, whose old values are its prerequisites.
    """

    update: Endpoint
    zone: str
    serial: int
    changes: tuple[RecordChange, ...]
    wave: int = 0

    @property
    def key(self) -> str:
        """A name for it within its plan."""
        return f"{self.zone}@{self.update}" + (f" wave {self.wave + 1}" if self.wave else "")


@dataclass(frozen=True, slots=True)
class Failover:
    """Sites go to another server: planned, while the one that they leave is up, or in an emergency."""

    kind: ClassVar[str] = "failover"
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Rollback:
    """What the plan whose id is `of` has changed goes back."""

    kind: ClassVar[str] = "rollback"
    of: str


Purpose = Failover | Rollback | Restore


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen, exactly.

    purpose: what it is for; a restore moves nothing and changes no DNS. asked_by: a person's label. force: the reason
    given for going on in spite of a blocking verdict. left_alone: sites that do not move, each with why. stray_records:
    other records that point at a source and stay as they are. line: what was typed for it, so that it can be asked for
    again. hooks: what runs where, at which moments. no_hooks_on: servers on which none runs. wave_size: the most sites
    that move together; 0: all at once. basis: what of the fleet file it rests on; None: it is older than that.
    """

    id: str
    purpose: Purpose
    moves: tuple[Move, ...]
    zones: tuple[ZoneChange, ...]
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    force: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    left_alone: tuple[tuple[str, str], ...] = ()
    stray_records: tuple[str, ...] = ()
    line: str = ""
    hooks: tuple[HookRun, ...] = ()
    no_hooks_on: tuple[str, ...] = ()
    wave_size: int = 0
    basis: FleetBasis | None = None

    @property
    def waves(self) -> int:
        """How many waves it has; at least one."""
        return 1 + max((move.wave for move in self.moves), default=0)

    @property
    def copies_first(self) -> bool:
        """Whether each site is copied once more before it moves, and what arrives meanwhile is brought over."""
        return self.purpose == Failover(planned=True)

    @property
    def is_emergency(self) -> bool:
        """Whether it is for a server that is down."""
        return self.purpose == Failover(planned=False)

    @property
    def title(self) -> str:
        """What it does, with its figures: `failover of 12 sites from uk to us`."""
        if isinstance(self.purpose, Restore):
            return self.purpose.title
        sites = self.moves[0].site if len(self.moves) == 1 else count(len(self.moves), "site")
        return f"{self.purpose.kind} of {sites} from {listing(self.sources)} to {listing(self.targets)}"

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that move, or the one that is restored."""
        if isinstance(self.purpose, Restore):
            return (self.purpose.site,)
        return tuple(move.site for move in self.moves)

    def sites_touched(self, changed: Collection[str]) -> tuple[str, ...]:
        """Return the sites of the waves of which a zone was changed, by `changed` keys; all where none is known."""
        waves = {zone.wave for zone in self.zones if zone.key in changed}
        return tuple(move.site for move in self.moves if move.wave in waves or not waves)

    @property
    def sources(self) -> tuple[str, ...]:
        """The servers that sites leave, in the order of the moves."""
        return tuple(dict.fromkeys(move.source for move in self.moves))

    @property
    def targets(self) -> tuple[str, ...]:
        """The servers that sites go to, in the order of the moves."""
        return tuple(dict.fromkeys(move.target for move in self.moves))

    @property
    def blocks(self) -> tuple[Verdict, ...]:
        """The verdicts that stand in the way, unless it is forced."""
        return tuple(verdict for verdict in self.verdicts if verdict.level == Level.BLOCK)

    @property
    def warnings(self) -> tuple[Verdict, ...]:
        """The verdicts that need an explicit yes."""
        return tuple(verdict for verdict in self.verdicts if verdict.level == Level.WARN)

    @property
    def may_be_approved(self) -> bool:
        """Whether nothing stands in the way, or a reason was given for going on all the same."""
        changes = bool(self.zones) or isinstance(self.purpose, Restore)
        return changes and (not self.blocks or self.force is not None)

    @property
    def first_state(self) -> PlanState:
        """The state in which it is kept: one that may not be approved is BLOCKED from the start."""
        return PlanState.PLANNED if self.may_be_approved else PlanState.BLOCKED

    @property
    def longest_ttl_s(self) -> int:
        """The longest time, in seconds, that a resolver may go on answering an old value after the change."""
        return max((c.old.ttl_s for zone in self.zones for c in zone.changes if c.old is not None), default=0)

    @property
    def digest(self) -> str:
        """Hex SHA-256 of everything that is approved: any difference in it gives another digest."""
        plain = plan_to_json(self)
        approved = {key: plain[key] for key in APPROVED} | {key: plain[key] for key in APPROVED_LATER if plain.get(key)}
        return hashlib.sha256(json.dumps(approved, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Return `plan` as plain JSON values, from which `plan_from_json` makes an equal one."""
    plain = asdict(plan)
    del plain["purpose"], plain["stray_records"]
    if plan.basis is None:
        del plain["basis"]
    for part in (*plain["moves"], *plain["zones"]):
        if not part["wave"]:
            del part["wave"]
    return plain | {
        "kind": plan.purpose.kind,
        "planned": not plan.is_emergency,
        "undoes": plan.purpose.of if isinstance(plan.purpose, Rollback) else None,
        "restore": restore_to_json(plan.purpose) if isinstance(plan.purpose, Restore) else None,
        "asked_at": stamp(plan.asked_at),
        "expires_at": stamp(plan.expires_at),
        "mentions": plan.stray_records,
    }


def plan_from_json(plain: Mapping[str, Any]) -> Plan:
    """Read what `plan_to_json` returned, now or before there was all of it, after JSON has made lists of its tuples."""
    return Plan(
        id=plain["id"],
        purpose=_purpose(plain),
        moves=tuple(Move(**move) for move in plain["moves"]),
        zones=tuple(_zone_change(zone) for zone in plain["zones"]),
        asked_by=plain["asked_by"],
        asked_at=from_stamp(plain["asked_at"]),
        expires_at=from_stamp(plain["expires_at"]),
        force=plain["force"],
        verdicts=tuple(Verdict(**{**v, "level": Level(v["level"])}) for v in plain["verdicts"]),
        left_alone=tuple((site, why) for site, why in plain["left_alone"]),
        stray_records=tuple(plain["mentions"]),
        line=plain["line"],
        hooks=tuple(HookRun(**hook) for hook in plain.get("hooks", ())),
        no_hooks_on=tuple(plain.get("no_hooks_on", ())),
        wave_size=plain.get("wave_size", 0),
        basis=basis_from_json(plain.get("basis")),
    )


def inverse(
    plan: Plan,
    id_: str,
    changed: Collection[str],
    names: Mapping[str, Collection[str]],
    asked_by: str,
    asked_at: datetime,
) -> Plan:
    """Return the plan that undoes those zone changes of `plan` whose keys are in `changed`.

    names: each site's names. A site none of whose records were changed never left, so it does not go back either.
    What several waves changed in one zone goes back in one message. The new plan waits as long as the old one did.
    """
    back: dict[tuple[Endpoint, str], ZoneChange] = {}
    for zone in plan.zones:
        if zone.key in changed:
            before = back.get((zone.update, zone.zone))
            changes = (*(before.changes if before else ()), *(change.inverse() for change in zone.changes))
            back[zone.update, zone.zone] = ZoneChange(zone.update, zone.zone, zone.serial, changes)
    zones = tuple(back.values())
    owners = {change.owner for zone in zones for change in zone.changes}
    left = [move for move in plan.moves if owners & set(names.get(move.site, owners))]
    return Plan(
        id=id_,
        purpose=Rollback(plan.id),
        line=f"rollback {plan.id}",
        moves=tuple(Move(move.site, source=move.target, target=move.source) for move in left),
        zones=zones,
        asked_by=asked_by,
        asked_at=asked_at,
        expires_at=asked_at + (plan.expires_at - plan.asked_at),
    )


def _purpose(plain: Mapping[str, Any]) -> Purpose:
    match plain["kind"]:
        case "rollback":
            return Rollback(plain["undoes"])
        case "restore":
            return restore_from_json(plain["restore"])
        case "failover":
            return Failover(planned=plain["planned"])
        case kind:
            raise ValueError(kind)


def _zone_change(plain: Mapping[str, Any]) -> ZoneChange:
    return ZoneChange(
        update=Endpoint(**plain["update"]),
        zone=plain["zone"],
        serial=plain["serial"],
        wave=plain.get("wave", 0),
        changes=tuple(RecordChange(old=_record_set(c["old"]), new=_record_set(c["new"])) for c in plain["changes"]),
    )


def _record_set(plain: Mapping[str, Any] | None) -> RecordSet | None:
    return None if plain is None else RecordSet(**{**plain, "values": tuple(plain["values"])})
