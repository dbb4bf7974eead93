"""How far a cutover is, in figures: what its card shows, and what survives a crash beside the steps' outcomes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.wording import from_stamp, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class ZoneDone:
    """A zone that was changed: when its update server said so, and the zone's serial then."""

    at: datetime
    serial: int


@dataclass(frozen=True, slots=True)
class NameServerProgress:
    """Where one name server stands in a cutover.

    agrees: it answers every new value with a serial at or past the new one. old, wrong: how many of the changed
    record sets it still answers as before, or neither way. why: what was wrong when it could not be asked. serial:
    of the zone that is furthest behind. seconds: from the update to its agreement; None until it agrees. gone: the
    fleet file has it no longer, so nobody waits for it.
    """

    name: str
    agrees: bool
    old: int = 0
    wrong: int = 0
    why: str = ""
    serial: int | None = None
    seconds: float | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class LateFiles:
    """What arrived at a site's old server after its last copy began, and was brought over: how many, the first paths.

    left: how many were not, since something newer or of another kind is in their place.
    """

    files: int
    first: tuple[str, ...] = ()
    left: int = 0


@dataclass(frozen=True, slots=True)
class CutoverProgress:
    """What has been seen so far.

    doing: the step under way, in words. zones: the changed ones by key. trouble: by zone change's key or site, what
    went wrong. nameservers: each one's in the wave under way, in the fleet's order. in_step_at: when the last
    name server agreed. wave: the one under way, counted from 0. since: by site, when its last copy began, by the clock
    of the server it leaves, in seconds of the epoch. caught: by site, what was brought over. moved_on: by name that
    it has changed, the later plan that has changed it since. gave_way: by site, the work that an emergency did not wait
    for, in words. cancelled_by: who wants it to end before its time. members_unknown: the user groups of which nobody
    could say who is in them when it began.
    """

    doing: str = ""
    zones: Mapping[str, ZoneDone] = field(default_factory=dict)
    trouble: Mapping[str, str] = field(default_factory=dict)
    nameservers: tuple[NameServerProgress, ...] = ()
    in_step_at: datetime | None = None
    wave: int = 0
    since: Mapping[str, float] = field(default_factory=dict)
    caught: Mapping[str, LateFiles] = field(default_factory=dict)
    moved_on: Mapping[str, str] = field(default_factory=dict)
    gave_way: Mapping[str, str] = field(default_factory=dict)
    cancelled_by: str = ""
    members_unknown: tuple[str, ...] = ()

    @property
    def late(self) -> tuple[str, ...]:
        """The name servers that do not agree and are waited for."""
        return tuple(one.name for one in self.nameservers if not (one.agrees or one.gone))

    @property
    def gone(self) -> tuple[str, ...]:
        """The name servers that were not seen to agree before the fleet file lost them."""
        return tuple(one.name for one in self.nameservers if one.gone and not one.agrees)

    @property
    def in_step(self) -> int:
        """How many of the name servers that are there agree."""
        return sum(one.agrees and not one.gone for one in self.nameservers)

    def with_zone(self, key: str, done: ZoneDone) -> CutoverProgress:
        """Return this with one more changed zone."""
        return replace(self, zones={**self.zones, key: done})

    def with_trouble(self, key: str, why: str) -> CutoverProgress:
        """Return this with one more thing that went wrong."""
        return replace(self, trouble={**self.trouble, key: why})


def merged(before: CutoverProgress, parts: tuple[CutoverProgress, ...]) -> CutoverProgress:
    """Return what several steps that ran at once have added to `before`."""
    if len(parts) == 1:
        return parts[0]
    return replace(
        before,
        zones={**before.zones, **{key: done for part in parts for key, done in part.zones.items()}},
        trouble={**before.trouble, **{key: why for part in parts for key, why in part.trouble.items()}},
        since={**before.since, **{site: at for part in parts for site, at in part.since.items()}},
        caught={**before.caught, **{site: one for part in parts for site, one in part.caught.items()}},
    )


def progress_to_json(progress: CutoverProgress) -> dict[str, Any]:
    """Return plain JSON values, from which `progress_from_json` makes an equal one."""
    plain = asdict(replace(progress, zones={}))
    plain["standings"] = plain.pop("nameservers")
    for one in plain["standings"]:
        if not one["gone"]:
            del one["gone"]
    for later in ("moved_on", "members_unknown"):
        if not plain[later]:
            del plain[later]
    plain["zones"] = {key: {"at": stamp(done.at), "serial": done.serial} for key, done in progress.zones.items()}
    plain["in_step_at"] = stamp(progress.in_step_at) if progress.in_step_at is not None else None
    return plain


def progress_from_json(plain: Mapping[str, Any]) -> CutoverProgress:
    """Read what `progress_to_json` returned, now or before there was all of it, after JSON has made lists of tuples."""
    at = plain["in_step_at"]
    return CutoverProgress(
        doing=plain["doing"],
        zones={key: ZoneDone(from_stamp(done["at"]), done["serial"]) for key, done in plain["zones"].items()},
        trouble=dict(plain["trouble"]),
        nameservers=tuple(NameServerProgress(**one) for one in plain["standings"]),
        in_step_at=from_stamp(at) if at is not None else None,
        wave=plain.get("wave", 0),
        since=dict(plain.get("since", {})),
        caught={
            site: LateFiles(one["files"], tuple(one["first"]), one["left"])
            for site, one in plain.get("caught", {}).items()
        },
        moved_on=dict(plain.get("moved_on", {})),
        gave_way=dict(plain.get("gave_way", {})),
        cancelled_by=plain.get("cancelled_by", ""),
        members_unknown=tuple(plain.get("members_unknown", ())),
    )
