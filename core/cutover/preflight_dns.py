"""The checks of preflight that are about DNS: update servers, name servers, caches, and records that stay behind."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.plan.verdict import Level, Verdict
from core.wording import all_of, count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.cutover.preflight_facts import PreflightFacts


def judge_dns(facts: PreflightFacts) -> Iterator[Verdict]:
    """Return the verdicts about DNS, in the order in which a person wants to read them."""
    yield from _updates(facts)
    yield from _promises(facts)
    yield from _name_servers(facts)
    yield _ttls(facts)
    yield from _records(facts)


def _updates(facts: PreflightFacts) -> Iterator[Verdict]:
    for target, why in facts.updates.items():
        if why is not None:
            text = f"{target} would not take the update: {why}"
            yield Verdict("update server", Level.BLOCK, text, "See `check --live`.")
    if facts.updates and all(why is None for why in facts.updates.values()):
        text = f"a signed update that changes nothing is taken for {count(len(facts.updates), 'zone')}"
        yield Verdict("update server", Level.PASS, text)
    if facts.unread:
        yield Verdict(
            "transfer",
            Level.WARN,
            f"transfers are refused ({listing(facts.unread)}), so other names that point there could not be listed",
            "Allow the bot's key to transfer.",
        )


def _promises(facts: PreflightFacts) -> Iterator[Verdict]:
    """Say what this way of changing DNS cannot promise; nothing where it promises all."""
    if not facts.promises.atomic:
        text = "this way of changing DNS makes one change after another: if it breaks off, some names moved, others not"
        yield Verdict("DNS backend", Level.WARN, text, "`dns` then shows which.")
    if not facts.promises.conditional:
        text = "this way of changing DNS cannot refuse a change made in the last second: it would be overwritten"
        yield Verdict("DNS backend", Level.WARN, text, "Let nobody edit these zones meanwhile.")
    if not facts.promises.provable:
        text = "this way of changing DNS cannot ask each name server: some may go on giving the old address, unseen"
        yield Verdict("DNS backend", Level.WARN, text, "Look at the sites from elsewhere once they have moved.")


def _name_servers(facts: PreflightFacts) -> Iterator[Verdict]:
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
        yield Verdict(
            "name servers",
            Level.PASS,
            f"{all_of(total, 'name server').lower()} answer{'s' if total == 1 else ''}, in step",
        )


def _ttls(facts: PreflightFacts) -> Verdict:
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


def _records(facts: PreflightFacts) -> Iterator[Verdict]:
    if facts.unhandled_names:
        yield Verdict(
            "records", Level.WARN, f"does not simply follow: {listing(facts.unhandled_names)}", "Look at them in `dns`."
        )
    if facts.stray_records:
        others = count(len(facts.stray_records), "other record")
        text = f"{others} also point there and stay: {listing(facts.stray_records)}"
        yield Verdict("other names", Level.WARN, text, "Change them by hand where they should move too.")
