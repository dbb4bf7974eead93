"""Preflight: what its checks judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from core.dns.promises import Promises
    from core.plan.plan import Purpose


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look found: `ok`, and in a few words what was wrong. None instead of one: nobody could look."""

    ok: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class TargetCopy:
    """The copy that a site would be served from. `last_good_at` None: no good copy on record."""

    site: str
    server: str
    answers: Observation
    last_good_at: datetime | None
    max_age: timedelta


@dataclass(frozen=True, slots=True)
class PreflightFacts:
    """What the checks judge; `now` is when they were gathered.

    sources: per leaving server what was seen of it: from here ("here") and from other servers, by vantage point.
    serving: per leaving server how many of its moving sites still answer, of how many. own_link: whether anything
    else answered. targets: per arriving server its SSH. disks: the fullest share of space or inodes. copies: per move.
    busy: (site, what runs on it). updates: per update server and zone why it would not take an update, None where it
    would. promises: what the way of changing DNS promises. nameservers: per name server why it does not answer, or its
    serials by zone. serials: by zone, the update servers' own. long_ttls: records over `max_ttl_s`. recent: (site, when
    it was last moved). unread: zones that could not be transferred. unhandled_names, stray_records: as drawn.
    backed_up: sites that a backup reads now. unfrozen: sites of a planned move with databases and nothing that freezes
    them. hooks_left_out: hooks that will not run, in words; without_hooks: because somebody asked for that.
    """

    now: datetime
    purpose: Purpose
    sources: Mapping[str, Mapping[str, Observation | None]]
    serving: Mapping[str, tuple[int, int]]
    own_link: bool
    targets: Mapping[str, Observation]
    copies: tuple[TargetCopy, ...]
    updates: Mapping[str, str | None]
    promises: Promises
    nameservers: Mapping[str, str | Mapping[str, int]]
    serials: Mapping[str, tuple[int, ...]]
    max_ttl_s: int
    disks: Mapping[str, float] = field(default_factory=dict)
    busy: tuple[tuple[str, str], ...] = ()
    long_ttls: tuple[tuple[str, int], ...] = ()
    recent: tuple[tuple[str, datetime], ...] = ()
    unread: tuple[str, ...] = ()
    unhandled_names: tuple[str, ...] = ()
    stray_records: tuple[str, ...] = ()
    backed_up: tuple[str, ...] = ()
    unfrozen: tuple[str, ...] = ()
    hooks_left_out: tuple[str, ...] = ()
    without_hooks: bool = False
