"""The checks of preflight: facts in, verdicts out, each with its figures and a hint. Those of DNS: `preflight_dns`."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from core.cutover.preflight_dns import judge_dns
from core.plan.cancelling import gives_way
from core.plan.plan import Failover, Rollback
from core.plan.restore import Restore
from core.plan.verdict import Level, Verdict
from core.wording import ago, count, duration, is_ahead, listing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from core.cutover.preflight_facts import Observation, PreflightFacts
    from core.plan.plan import Plan

DISK_WARN = 0.95
RECENT = timedelta(minutes=15)


def judge(facts: PreflightFacts) -> tuple[Verdict, ...]:
    """Return the verdict of every check, in the order in which a person wants to read them."""
    return (
        *_sources(facts),
        _own_link(facts),
        *_targets(facts),
        *_copies(facts),
        *_databases(facts),
        *_hooks(facts),
        *_busy(facts),
        *judge_dns(facts),
        *_recent(facts),
    )


def no_hooks_on(plan: Plan, facts: PreflightFacts, silent: Collection[str] = ()) -> tuple[str, ...]:
    """Return the servers that cannot be counted on to run hooks, where a failing hook would stand in the way.

    In an emergency those that sites leave, whether they still answer or not; in a rollback those of them that do not;
    in both the other servers that are `silent`. A planned move leaves nothing out: it can wait.
    """
    if plan.copies_first:
        return ()
    left = plan.sources
    if not plan.is_emergency:
        looks = {server: facts.sources[server].get("here") for server in plan.sources}
        left = tuple(server for server, look in looks.items() if look is None or not look.ok)
    return (*left, *(server for server in silent if server not in plan.sources))


def _sources(facts: PreflightFacts) -> Iterator[Verdict]:
    for server, sightings in facts.sources.items():
        here = sightings.get("here")
        up = here is not None and here.ok
        match facts.purpose:
            case Rollback() | Restore():
                # Going back is right whether the server that is left lives or not; where it goes to is looked at below.
                how = "is up" if up else "does not answer; going back leaves it"
                yield Verdict("source", Level.PASS, f"{server} {how}")
            case Failover(planned=True):
                yield _planned_source(server, up=up)
            case Failover():
                yield _emergency_source(facts, server, sightings)
            case _:
                assert_never(facts.purpose)


def _planned_source(server: str, *, up: bool) -> Verdict:
    if up:
        return Verdict("source", Level.PASS, f"{server} is up, as a planned move wants it")
    text = f"{server} does not answer, so this cannot be a planned move"
    return Verdict("source", Level.BLOCK, text, "Leave out --planned for an emergency failover.")


def _emergency_source(facts: PreflightFacts, server: str, sightings: Mapping[str, Observation | None]) -> Verdict:
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


def _own_link(facts: PreflightFacts) -> Verdict:
    if facts.own_link:
        return Verdict("own link", Level.PASS, "the bot's own link is up")
    return Verdict(
        "own link",
        Level.BLOCK,
        "nothing at all answers: the bot's own link may be down",
        "Look from elsewhere, or run `sharpnet` where there is a network.",
    )


def _targets(facts: PreflightFacts) -> Iterator[Verdict]:
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


def _copies(facts: PreflightFacts) -> Iterator[Verdict]:
    broken = [copy for copy in facts.copies if not copy.answers.ok]
    for copy in broken:
        yield Verdict(
            "copy",
            Level.BLOCK,
            f"{copy.site} does not answer properly on {copy.server}: {copy.answers.why}",
            f"Mend it there, or leave the site out with --without {copy.site}.",
        )
    if facts.copies and not broken:
        yield Verdict("copy", Level.PASS, f"{count(len(facts.copies), 'site')} on the target: ok")
    if isinstance(facts.purpose, Rollback):
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
    dated = {copy.site: copy.last_good_at for copy in facts.copies if copy.last_good_at is not None}
    ahead = [f"{site} (last good copy {ago(at, facts.now)})" for site, at in dated.items() if is_ahead(at, facts.now)]
    if ahead:
        yield Verdict(
            "data age",
            Level.WARN,
            f"of unknown age: {listing(ahead)}",
            "Is the bot's clock right? Then it was not when they were made, and only a `sync` tells their age again.",
        )
    if dated and not old and not never and not ahead:
        yield Verdict("data age", Level.PASS, f"the oldest copy is from {ago(min(dated.values()), facts.now)}")


def _databases(facts: PreflightFacts) -> Iterator[Verdict]:
    if facts.unfrozen:
        sources = listing(tuple(facts.sources))
        yield Verdict(
            "databases",
            Level.WARN,
            f"rows written at {sources} between the last copy and the switch stay there: {listing(facts.unfrozen)}",
            "Databases are never merged; what stays is recoverable after the next sync. A freeze hook rules it out.",
        )


def _hooks(facts: PreflightFacts) -> Iterator[Verdict]:
    if not facts.hooks_left_out:
        return
    which = f"{count(len(facts.hooks_left_out), 'hook')} left out"
    why = "as asked" if facts.without_hooks else "on servers that cannot be counted on now"
    yield Verdict(
        "hooks",
        Level.WARN,
        f"{which} {why}: {listing(facts.hooks_left_out)}",
        "Do by hand what they would have done, where it matters.",
    )


def _busy(facts: PreflightFacts) -> Iterator[Verdict]:
    if facts.busy:
        what = listing([f"{site} ({work})" for site, work in facts.busy])
        if facts.purpose == Failover(planned=False) and all(gives_way(work) for _, work in facts.busy):
            yield Verdict("other work", Level.WARN, f"busy: {what}", "An emergency does not wait for it, and ends it.")
            return
        lines = listing([f"`cancel {shlex.quote(site)}`" for site, _ in facts.busy])
        yield Verdict("other work", Level.BLOCK, f"busy: {what}", f"Wait until it has ended, or end it: {lines}.")
    elif facts.backed_up:
        what = f"a backup reads {listing(facts.backed_up)}"
        yield Verdict("other work", Level.WARN, what, "It continues, and may break off when the site has moved.")
    else:
        yield Verdict("other work", Level.PASS, "nothing else runs on these sites")


def _recent(facts: PreflightFacts) -> Iterator[Verdict]:
    recent = [(site, at) for site, at in facts.recent if facts.now - at < RECENT]
    if recent and not isinstance(facts.purpose, Rollback):
        what = listing([f"{site} {ago(at, facts.now)}" for site, at in recent])
        text = f"moved less than {duration(RECENT)} ago: {what}"
        yield Verdict("last move", Level.WARN, text, "Going to and fro confuses caches.")
