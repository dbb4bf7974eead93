"""How far a cutover is, in figures: what its card shows, and what survives a crash beside the steps' outcomes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.cutover import Standing
from core.words import from_stamp, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class ZoneDone:
    """A zone that was changed: when its update server said so, and the zone's serial then."""

    at: datetime
    serial: int


@dataclass(frozen=True, slots=True)
class Progress:
    """What has been seen so far.

    doing: the step under way, in words. zones: the changed ones by key. trouble: by zone change's key or site, what
    went wrong. standings: each name server's, in the fleet's order. in_step_at: when the last name server agreed.
    """

    doing: str = ""
    zones: Mapping[str, ZoneDone] = field(default_factory=dict)
    trouble: Mapping[str, str] = field(default_factory=dict)
    standings: tuple[Standing, ...] = ()
    in_step_at: datetime | None = None

    @property
    def in_step(self) -> int:
        """How many name servers agree."""
        return sum(one.agrees for one in self.standings)

    def with_zone(self, key: str, done: ZoneDone) -> Progress:
        """Return this with one more changed zone."""
        return replace(self, zones={**self.zones, key: done})

    def with_trouble(self, key: str, why: str) -> Progress:
        """Return this with one more thing that went wrong."""
        return replace(self, trouble={**self.trouble, key: why})


def progress_to_json(progress: Progress) -> dict[str, Any]:
    """Return plain JSON values, from which `progress_from_json` makes an equal Progress."""
    plain = asdict(replace(progress, zones={}))
    plain["zones"] = {key: {"at": stamp(done.at), "serial": done.serial} for key, done in progress.zones.items()}
    plain["in_step_at"] = stamp(progress.in_step_at) if progress.in_step_at is not None else None
    return plain


def progress_from_json(plain: Mapping[str, Any]) -> Progress:
    """Read what `progress_to_json` returned, after JSON has made lists of its tuples."""
    at = plain["in_step_at"]
    return Progress(
        doing=plain["doing"],
        zones={key: ZoneDone(from_stamp(done["at"]), done["serial"]) for key, done in plain["zones"].items()},
        trouble=dict(plain["trouble"]),
        standings=tuple(Standing(**one) for one in plain["standings"]),
        in_step_at=from_stamp(at) if at is not None else None,
    )
