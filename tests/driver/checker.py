"""What must hold whatever happened: pure functions over what was seen of DNS, the mirrors, the record and the cards.

Each yields what is wrong, in words. What is seen at rest is judged as a whole: no process works, every host is back.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from driver import checker_copies, checker_hooks
from driver.history import CARRIED_OUT, NOTHING_DONE, histories, zone_of

from core.audit import first_broken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driver.history import Seen

MOVED = frozenset({"plan.confirmed", "plan.unfinished", "plan.rolled back"})
# How the card of a plan begins, by the last that the record says of it.
TITLES = {
    "plan.confirmed": "Done: ",
    "plan.unfinished": "Unfinished: ",
    "plan.partial": "Done in part: ",
    "plan.rolled back": "Rolled back: ",
    "plan.cancelled": "Cancelled: ",
    "plan.expired": "Expired: ",
    "plan.stale": "Nothing changed: ",
    "plan.lost": "Lost track of ",
}
# What rests on the store being the newest, besides whatever begins.
ACTS = frozenset({"plan.made", "plan.approved"})


def whats_wrong(seen: Seen) -> tuple[str, ...]:
    """Return everything that does not hold."""
    return tuple(wrong for rule in RULES for wrong in rule(seen))


def broken_record(seen: Seen) -> Iterator[str]:
    """Look whether the record is whole."""
    number = first_broken(seen.record)
    if number is not None:
        yield f"the record is broken at entry {number}"


def serials_not_by_plan(seen: Seen) -> Iterator[str]:
    """See that each zone's serial rose once for each plan that changed it, as the record says, and never otherwise."""
    surely: Counter[str] = Counter(seen.by_hand)
    perhaps: Counter[str] = Counter()
    for plan, history in histories(seen.happened).items():
        done = Counter(update.key for update in history.updates if update.outcome == "done")
        unknown = {update.key for update in history.updates if update.outcome == "unknown"}
        for key, times in done.items():
            if times > 1:
                yield f"plan {plan} has changed {key} {times} times"
        surely.update(zone_of(key) for key in done)
        perhaps.update(zone_of(key) for key in unknown)
        if history.last in MOVED and len(done) < len(history.zones) and "plan.partial" not in history.kinds:
            yield f"plan {plan} is {history.last} with {len(done)} of {len(history.zones)} zones changed"
    for zone, rose in seen.rose.items():
        least, most = surely[zone], surely[zone] + perhaps[zone]
        if not least <= rose <= most:
            yield f"the serial of {zone} rose by {rose}, and by the record it should have by {least} to {most}"


def ended_twice(seen: Seen) -> Iterator[str]:
    """See that no plan was both given up and carried out, was carried out unapproved, or ended more than once."""
    here = histories(seen.record)
    for plan, history in histories(seen.happened).items():
        kinds = history.kinds
        changed = [update.key for update in history.updates if update.outcome == "done"]
        given_up = sorted(NOTHING_DONE.intersection(kinds))
        carried_out = sorted(CARRIED_OUT.intersection(kinds)) or changed
        if given_up and carried_out:
            yield f"plan {plan} was given up ({given_up[0]}) and carried out ({carried_out[0]})"
        if (carried_out or history.begun is not None) and "plan.approved" not in kinds:
            yield f"plan {plan} was carried out and never approved"
        # What is lost may come to the same end once more.
        for kind, times in Counter(here[plan].kinds if plan in here else kinds).items():
            if times > 1 and kind != "plan.approved":
                yield f"plan {plan} is {kind} {times} times"
        ended = history.ended_at()
        if ended is not None and any(update.number > ended for update in history.updates):
            yield f"plan {plan} went on after its end"


def cards_that_say_otherwise(seen: Seen) -> Iterator[str]:
    """See that a plan's card says how the plan ended."""
    for plan, history in histories(seen.record).items():
        title, begins = seen.cards.get(plan, ""), TITLES.get(history.last)
        if begins is not None and not title.startswith(begins):
            yield f"plan {plan} is {history.last}, and its card says {title!r}"


def name_servers_that_differ(seen: Seen) -> Iterator[str]:
    """See that all name servers name the same server for a site."""
    for site, answers in seen.answers.items():
        if len(set(answers.values())) > 1:
            yield f"name servers differ about {site}: {dict(answers)}"


def active_elsewhere(seen: Seen) -> Iterator[str]:
    """See that what counts as active is what DNS names, or one of both is quarantined and people know it."""
    for site, served in seen.looks[-1].served.items():
        active = seen.active.get(site, seen.homes[site])
        if active != served and not {(site, active), (site, served)} & seen.quarantined & seen.told:
            yield f"DNS sends visitors of {site} to {served}, and the store says {active}"
        if active == served and (site, served) in seen.quarantined:
            yield f"the copy of {site} on {served} is served and quarantined"
    for site, server in sorted(seen.quarantined - seen.told):
        yield f"the copy of {site} on {server} is quarantined, and nobody was told"


def acts_before_it_asks(seen: Seen) -> Iterator[str]:
    """See that with a store that went back nothing is done before a person has accepted it."""
    for number in seen.has_to_ask:
        for entry in seen.record[number:]:
            if entry.kind == "store.accepted":
                break
            if entry.kind in ACTS or (entry.kind.endswith(".begun") and entry.kind != "quarantine.begun"):
                yield f"the store went back, and {entry.kind} of {entry.subject} came before anybody accepted it"


def works_at_rest(seen: Seen) -> Iterator[str]:
    """See that at rest nobody holds anything."""
    for work in seen.works:
        yield f"somebody still works on {work}"


RULES: tuple[Callable[[Seen], Iterator[str]], ...] = (
    broken_record,
    serials_not_by_plan,
    ended_twice,
    cards_that_say_otherwise,
    name_servers_that_differ,
    active_elsewhere,
    acts_before_it_asks,
    works_at_rest,
    *checker_copies.RULES,
    *checker_hooks.RULES,
)
