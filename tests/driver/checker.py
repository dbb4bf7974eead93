"""What must hold whatever happened: pure functions over what was seen of DNS, the mirrors, the record and the cards.

Each yields what is wrong, in words. What is seen at rest is judged as a whole: no process works, every host is back.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from core.audit import first_broken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from core.audit import Entry

Copy = tuple[str, str]
"""A site, and the server that has this copy of it."""

CARRIED_OUT = frozenset({"plan.confirmed", "plan.unfinished", "plan.partial", "plan.rolled back"})
NOTHING_DONE = frozenset({"plan.cancelled", "plan.stale", "plan.expired"})
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
}


@dataclass(frozen=True, slots=True)
class Look:
    """One moment. entries: how many the record had. versions: the number in each copy's page, which only grows.

    served: the server that the update server names for each site; a site is absent where that did not answer.
    choosing: the sites of which somebody lets the served copy be put over the other one, since the look before.
    """

    entries: int
    served: Mapping[str, str]
    versions: Mapping[Copy, int]
    choosing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that the checker goes by. homes: where each site lives, and so was served from at the start.

    rose: by how much each zone's serial did, since the start. by_hand: how often each zone was changed by hand.
    answers: what server each name server names, for each site. active, quarantined: what the store goes by. cards: the
    title of each plan's card. told: each (site, server) of which people were told that it is quarantined. works: on
    what somebody still works. lost: entries that were on record until an older copy of the store took its place.
    """

    homes: Mapping[str, str]
    record: tuple[Entry, ...] = ()
    looks: tuple[Look, ...] = ()
    rose: Mapping[str, int] = field(default_factory=dict)
    by_hand: Mapping[str, int] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    active: Mapping[str, str] = field(default_factory=dict)
    quarantined: frozenset[Copy] = frozenset()
    cards: Mapping[str, str] = field(default_factory=dict)
    told: frozenset[Copy] = frozenset()
    works: tuple[str, ...] = ()
    lost: tuple[Entry, ...] = ()

    @property
    def happened(self) -> tuple[Entry, ...]:
        """Everything that happened, whether the store still knows of it or not."""
        return (*self.lost, *self.record)


class Update(NamedTuple):
    """How a plan's change of one zone ended, and with which entry of the record."""

    key: str
    outcome: str
    seq: int


@dataclass(frozen=True, slots=True)
class History:
    """What the record says of one plan. states: each as (kind, number of the entry), in order; updates: of its zones.

    begun: the entry with which the first change of a zone was begun; None: none was.
    """

    made: Mapping[str, object]
    states: tuple[tuple[str, int], ...]
    updates: tuple[Update, ...]
    begun: int | None

    @property
    def last(self) -> str:
        """The last that is said of it."""
        return self.states[-1][0]

    @property
    def zones(self) -> tuple[str, ...]:
        """The zone of each change it is to make."""
        return tuple(str(zone["zone"]) for zone in self.made["zones"])  # type: ignore[attr-defined]

    @property
    def moves(self) -> tuple[tuple[str, str, str], ...]:
        """Each site that moves, with its source and its target."""
        return tuple((move["site"], move["source"], move["target"]) for move in self.made["moves"])  # type: ignore[attr-defined]

    @property
    def copies_first(self) -> bool:
        """Whether it leaves nothing behind at its sources."""
        return self.made["kind"] == "failover" and bool(self.made["planned"])

    def ended_at(self) -> int | None:
        """Return the entry that says how it ended, whatever became of it later; None: it has not."""
        return next((seq for kind, seq in self.states if kind in CARRIED_OUT | NOTHING_DONE), None)


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
        surely.update(_zone_of(key) for key in done)
        perhaps.update(_zone_of(key) for key in unknown)
        if history.last in MOVED and len(done) < len(history.zones) and "plan.partial" not in _kinds(history):
            yield f"plan {plan} is {history.last} with {len(done)} of {len(history.zones)} zones changed"
    for zone, rose in seen.rose.items():
        least, most = surely[zone], surely[zone] + perhaps[zone]
        if not least <= rose <= most:
            yield f"the serial of {zone} rose by {rose}, and by the record it should have by {least} to {most}"


def ended_twice(seen: Seen) -> Iterator[str]:
    """See that no plan was both given up and carried out, was carried out unapproved, or ended more than once."""
    for plan, history in histories(seen.happened).items():
        kinds = _kinds(history)
        changed = [update.key for update in history.updates if update.outcome == "done"]
        given_up = sorted(NOTHING_DONE.intersection(kinds))
        carried_out = sorted(CARRIED_OUT.intersection(kinds)) or changed
        if given_up and carried_out:
            yield f"plan {plan} was given up ({given_up[0]}) and carried out ({carried_out[0]})"
        if (carried_out or history.begun is not None) and "plan.approved" not in kinds:
            yield f"plan {plan} was carried out and never approved"
        for kind, times in Counter(kinds).items():
            if times > 1 and kind != "plan.approved":
                yield f"plan {plan} is {kind} {times} times"
        ended = history.ended_at()
        if ended is not None and any(update.seq > ended for update in history.updates):
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


def older_than_before(seen: Seen) -> Iterator[str]:
    """See that no copy is ever older than it was, but where somebody has chosen to put another one over it."""
    for before, after in pairwise(seen.looks):
        for copy, version in after.versions.items():
            site, server = copy
            served = server in {before.served.get(site), after.served.get(site)}
            if version < before.versions[copy] and (served or site not in after.choosing):
                what = "is served and" if served else "nobody has chosen, and"
                yield f"the copy of {site} on {server} {what} went from {before.versions[copy]} to {version}"


def left_behind_by_plan(seen: Seen) -> Iterator[str]:
    """See that after a planned move nothing older is served than before it, or what was left is quarantined."""
    for plan, history in histories(seen.record).items():
        ended = history.ended_at()
        if not history.copies_first or ended is None or history.begun is None:
            continue
        before = [look for look in seen.looks if look.entries < history.begun]
        after = next((look for look in seen.looks if look.entries >= ended), None)
        for site, source, target in history.moves:
            if not before or after is None or after.served.get(site) != target:
                continue
            was, now = before[-1].versions[site, source], after.versions[site, target]
            kept = any(
                entry.kind == "quarantine.begun" and (entry.subject, entry.body["server"]) == (site, source)
                for entry in seen.record[history.begun : after.entries]
            )
            if before[-1].served.get(site) == source and now < was and not kept:
                yield f"plan {plan} moved {site} to a copy of {now}, where {was} was served"


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
    older_than_before,
    left_behind_by_plan,
    works_at_rest,
)


def histories(record: tuple[Entry, ...]) -> dict[str, History]:
    """Return what the record says of each plan."""
    made: dict[str, Mapping[str, object]] = {}
    states: dict[str, list[tuple[str, int]]] = {}
    updates: dict[str, list[Update]] = {}
    begun: dict[str, int] = {}
    for entry in record:
        plan = entry.subject
        if entry.kind == "plan.made":
            made[plan] = entry.body["plan"]  # type: ignore[assignment]
        if entry.kind.startswith("plan."):
            states.setdefault(plan, []).append((entry.kind, entry.seq))
        if entry.kind == "step.begun" and any(_is_update(step) for step in entry.body["steps"]):  # type: ignore[attr-defined]
            begun.setdefault(plan, entry.seq)
        if entry.kind == "step.ended":
            ended = [one for one in entry.body["steps"] if _is_update(one["step"])]  # type: ignore[attr-defined]
            updates.setdefault(plan, []).extend(Update(one["step"], one["outcome"], entry.seq) for one in ended)
    return {
        plan: History(made[plan], tuple(states[plan]), tuple(updates.get(plan, ())), begun.get(plan)) for plan in made
    }


def _kinds(history: History) -> list[str]:
    return [kind for kind, _ in history.states]


def _is_update(step: str) -> bool:
    return step.startswith("update ")


def _zone_of(key: str) -> str:
    return key.removeprefix("update ").partition("@")[0]
