"""Preflight: whether a plan may go ahead. Facts in, verdicts out, each with its figures and a hint."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from core.words import ago, count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DISK_WARN = 0.95
RECENT = timedelta(minutes=15)


class Level(StrEnum):
    """What a check says: go on, go on only with an explicit yes, or do not."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check says. `hint` says what would help where it does not pass."""

    check: str
    level: Level
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look found: `ok`, and in a few words what was wrong. None instead of a Sighting: nobody could look."""

    ok: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy that a site would be served from. `last_good_at` None: no good copy on record."""

    site: str
    server: str
    answers: Sighting
    last_good_at: datetime | None
    max_age: timedelta
    is_home: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What the checks judge; `now` is when they were gathered.

    sources: per leaving server what was seen of it: from here ("here") and from other servers, by vantage point.
    serving: per leaving server how many of its moving sites still answer, of how many. own_link: whether anything
    else answered. targets: per arriving server its SSH. disks: the fullest share of space or inodes. copies: per move.
    busy: (site, what runs on it). updates: per update server and zone why it would not take an update, None where it
    would. nameservers: per name server why it does not answer, or its serials by zone. serials: by zone, the update
    servers' own. long_ttls: records over `max_ttl_s`. recent: (site, when it was last moved). unread: zones that
    could not be transferred. odd, mentions: as drawn.
    """

    now: datetime
    planned: bool
    sources: Mapping[str, Mapping[str, Sighting | None]]
    serving: Mapping[str, tuple[int, int]]
    own_link: bool
    targets: Mapping[str, Sighting]
    copies: tuple[Copy, ...]
    updates: Mapping[str, str | None]
    nameservers: Mapping[str, str | Mapping[str, int]]
    serials: Mapping[str, tuple[int, ...]]
    max_ttl_s: int
    disks: Mapping[str, float] = field(default_factory=dict)
    busy: tuple[tuple[str, str], ...] = ()
    long_ttls: tuple[tuple[str, int], ...] = ()
    recent: tuple[tuple[str, datetime], ...] = ()
    unread: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    left_alone: tuple[tuple[str, str], ...] = ()
    rollback: bool = False


def judge(facts: Facts) -> tuple[Verdict, ...]:
    """Return the verdict of every check, in the order in which a person wants to read them."""
    return (
        *_sources(facts),
        _own_link(facts),
        *_targets(facts),
        *_copies(facts),
        _busy(facts),
        *_updates(facts),
        *_name_servers(facts),
        _ttls(facts),
        *_records(facts),
        *_recent(facts),
    )


def _sources(facts: Facts) -> Iterator[Verdict]:
    for server, sightings in facts.sources.items():
        here = sightings.get("here")
        up = here is not None and here.ok
        if facts.rollback:
            # Going back is right whether the server that is left lives or not; where it goes to is looked at below.
            how = "is up" if up else "does not answer; going back leaves it"
            yield Verdict("source", Level.PASS, f"{server} {how}")
            continue
        if facts.planned:
            if up:
                yield Verdict("source", Level.PASS, f"{server} is up, as a planned move wants it")
            else:
                yield Verdict(
                    "source",
                    Level.BLOCK,
                    f"{server} does not answer, so this cannot be a planned move",
                    "Leave out --planned for an emergency failover.",
                )
            continue
        yield _emergency_source(facts, server, sightings)


def _emergency_source(facts: Facts, server: str, sightings: Mapping[str, Sighting | None]) -> Verdict:
    answering, of = facts.serving.get(server, (0, 0))
    up = [vantage for vantage, sighting in sightings.items() if sighting is not None and sighting.ok]
    down = [vantage for vantage, sighting in sightings.items() if sighting is not None and not sighting.ok]
    if answering and "here" in down:
        return Verdict(
            "source",
            Level.BLOCK,
            f"{server} does not answer SSH, but still serves {answering} of {count(of, 'site')}",
            "Its sites are up. To move them all the same: --force REASON.",
        )
    if up and of and not answering:
        return Verdict(
            "source",
            Level.WARN,
            f"{server} answers SSH, but none of the {count(of, 'site')} on it answers",
            "With --planned the copies are brought up to date first.",
        )
    if up:
        return Verdict(
            "source",
            Level.BLOCK,
            f"{server} is up, seen from {listing(up)}",
            "To move while it is up, add --planned; to move in spite of this, --force REASON.",
        )
    if len(down) > 1:
        return Verdict("source", Level.PASS, f"{server} is down, seen from {count(len(down), 'place')}")
    return Verdict(
        "source",
        Level.WARN,
        f"{server} is down, but seen from one place only",
        "No other server could look. Make sure that it is not just the way to it.",
    )


def _own_link(facts: Facts) -> Verdict:
    if facts.own_link:
        return Verdict("own link", Level.PASS, "the bot's own link is up")
    return Verdict(
        "own link",
        Level.BLOCK,
        "nothing at all answers: the bot's own link may be down",
        "Look from elsewhere, or run `sharpnet` where there is a network.",
    )


def _targets(facts: Facts) -> Iterator[Verdict]:
    for server, sighting in facts.targets.items():
        if sighting.ok:
            yield Verdict("target", Level.PASS, f"{server} answers SSH")
        else:
            text = f"{server} does not answer SSH: {sighting.why}"
            yield Verdict("target", Level.BLOCK, text, "Choose another with --to SERVER.")
    for server, share in facts.disks.items():
        if share >= DISK_WARN:
            text = f"{server} has {share:.0%} of its disk or inodes used"
            yield Verdict("disk", Level.WARN, text, "Make room there.")


def _copies(facts: Facts) -> Iterator[Verdict]:
    broken = [copy for copy in facts.copies if not copy.answers.ok]
    for copy in broken:
        yield Verdict(
            "copy",
            Level.BLOCK,
            f"{copy.site} does not answer properly on {copy.server}: {copy.answers.why}",
            f"Mend it there, or leave the site out with --without {copy.site}.",
        )
    if facts.copies and not broken:
        yield Verdict(
            "copy", Level.PASS, f"{count(len(facts.copies), 'site')} looked at on the target: as it should be"
        )
    if facts.rollback:
        servers = listing(tuple(dict.fromkeys(copy.server for copy in facts.copies)))
        yield Verdict(
            "data age",
            Level.WARN,
            f"{servers} shows what it had when it was left; what was written since stays where it is now",
            "Nothing is overwritten: the copies left behind are quarantined until someone has chosen.",
        )
        return
    never = [copy.site for copy in facts.copies if copy.last_good_at is None]
    if never:
        yield Verdict(
            "data age", Level.WARN, f"no good copy on record of {listing(never)}", "Run `sync` while the source is up."
        )
    old = [
        f"{copy.site} (last good copy {ago(copy.last_good_at, facts.now)}, limit {duration(copy.max_age)})"
        for copy in facts.copies
        if copy.last_good_at is not None and facts.now - copy.last_good_at > copy.max_age
    ]
    if old:
        yield Verdict("data age", Level.WARN, f"too old: {listing(old)}", "What changed since is not in the copy.")
    dated = [copy.last_good_at for copy in facts.copies if copy.last_good_at is not None]
    if dated and not old and not never:
        yield Verdict("data age", Level.PASS, f"the oldest copy is from {ago(min(dated), facts.now)}")


def _busy(facts: Facts) -> Verdict:
    if not facts.busy:
        return Verdict("other work", Level.PASS, "nothing else runs on these sites")
    what = listing([f"{site} ({work})" for site, work in facts.busy])
    return Verdict("other work", Level.BLOCK, f"busy: {what}", "Wait until it has ended, or cancel it.")


def _updates(facts: Facts) -> Iterator[Verdict]:
    for target, why in facts.updates.items():
        if why is not None:
            text = f"{target} would not take the update: {why}"
            yield Verdict("update server", Level.BLOCK, text, "See `check --live`.")
    if facts.updates and all(why is None for why in facts.updates.values()):
        text = f"a signed, empty update is taken for {count(len(facts.updates), 'zone')}"
        yield Verdict("update server", Level.PASS, text)
    if facts.unread:
        yield Verdict(
            "transfer",
            Level.WARN,
            f"transfers are refused ({listing(facts.unread)}), so other names that point there could not be listed",
            "Allow the bot's key to transfer.",
        )


def _name_servers(facts: Facts) -> Iterator[Verdict]:
    silent = {name: why for name, why in facts.nameservers.items() if isinstance(why, str)}
    behind = [
        name
        for name, serials in facts.nameservers.items()
        if not isinstance(serials, str)
        and any(serials.get(zone) not in theirs for zone, theirs in facts.serials.items())
    ]
    total = len(facts.nameservers)
    if total and len(silent) == total:
        yield Verdict("name servers", Level.BLOCK, f"none of {count(total, 'name server')} answers", "See `dns`.")
    elif silent:
        # Each reason names its server.
        yield Verdict(
            "name servers",
            Level.WARN,
            f"{len(silent)} of {count(total, 'name server')} not answering: {listing(list(silent.values()))}",
            "The cutover stays unfinished until they answer.",
        )
    if behind:
        yield Verdict(
            "name servers",
            Level.WARN,
            f"not in step with the update server: {listing(behind)}",
            "They may take the change late. See `dns`.",
        )
    if not silent and not behind:
        yield Verdict("name servers", Level.PASS, f"all {count(total, 'name server')} answer, in step")


def _ttls(facts: Facts) -> Verdict:
    if not facts.long_ttls:
        return Verdict("TTL", Level.PASS, f"no record lives longer than {facts.max_ttl_s} s in caches")
    longest = max(ttl_s for _, ttl_s in facts.long_ttls)
    return Verdict(
        "TTL",
        Level.WARN,
        f"{count(len(facts.long_ttls), 'record')} over {facts.max_ttl_s} s (longest {longest:,} s): "
        f"{listing([name for name, _ in facts.long_ttls])}",
        f"Some visitors may reach the old address for up to {duration(timedelta(seconds=longest))}.",
    )


def _records(facts: Facts) -> Iterator[Verdict]:
    if facts.odd:
        yield Verdict("records", Level.WARN, f"does not simply follow: {listing(facts.odd)}", "Look at them in `dns`.")
    if facts.mentions:
        yield Verdict(
            "other names",
            Level.WARN,
            f"{count(len(facts.mentions), 'other record')} also point there and stay: {listing(facts.mentions)}",
            "Change them by hand where they should move too.",
        )


def _recent(facts: Facts) -> Iterator[Verdict]:
    recent = [(site, at) for site, at in facts.recent if facts.now - at < RECENT]
    if recent and not facts.rollback:
        what = listing([f"{site} {ago(at, facts.now)}" for site, at in recent])
        text = f"moved less than {duration(RECENT)} ago: {what}"
        yield Verdict("last move", Level.WARN, text, "Going to and fro confuses caches.")
