"""What was seen of a fleet, and what its record says of each plan: values that the checkers judge."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.audit import Entry

Copy = tuple[str, str]
"""A site, and the server that has this copy of it."""

CARRIED_OUT = frozenset({"plan.confirmed", "plan.unfinished", "plan.partial", "plan.rolled back"})
NOTHING_DONE = frozenset({"plan.cancelled", "plan.stale", "plan.expired"})
UPDATE = "update "


@dataclass(frozen=True, slots=True)
class Look:
    """One moment. entries: how many the record had. versions: the number in each copy's page, which only grows.

    served: the server that the update server names for each site; a site is absent where that did not answer.
    choosing: the sites of which somebody lets the served copy be put over the other one, since the look before.
    notes: the files of their own that lie in each copy. quarantined: the copies that nobody may touch. written: those
    that somebody wrote to since the look before.
    """

    entries: int
    served: Mapping[str, str]
    versions: Mapping[Copy, int]
    choosing: frozenset[str] = frozenset()
    notes: Mapping[Copy, frozenset[str]] = field(default_factory=dict)
    quarantined: frozenset[Copy] = frozenset()
    written: frozenset[Copy] = frozenset()


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that the checker goes by. homes: where each site lives, and so was served from at the start.

    rose: by how much each zone's serial did, since the start. by_hand: how often each zone was changed by hand.
    answers: what server each name server names, for each site. active, quarantined: what the store goes by. cards: the
    title of each plan's card. told: each (site, server) of which people were told that it is quarantined. works: on
    what somebody still works.

    past: all that was on record when the store was lost last, the entries of before that were lost among them; known:
    how many of its entries the store has that took its place. has_to_ask: how many entries the record had whenever an
    older copy took the store's place and somebody knew of a newer one.

    ran: how often each (moment, site) of the hooks has left a trace on a server. frozen: the sites that are written to
    no more. notes: of each site, each file of its own that was ever written to it. anywhere: likewise, those that are
    still somewhere, in a copy or kept aside. saved: by snapshot, the number in the page that it holds.
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
    past: tuple[Entry, ...] = ()
    known: int = 0
    has_to_ask: tuple[int, ...] = ()
    ran: Mapping[tuple[str, str], int] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()
    notes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    anywhere: Mapping[str, frozenset[str]] = field(default_factory=dict)
    saved: Mapping[str, int] = field(default_factory=dict)

    @property
    def happened(self) -> tuple[Entry, ...]:
        """Everything that happened, in order, whether the store still knows of it or not."""
        return (*self.past, *self.record[self.known :])


class Update(NamedTuple):
    """How a plan's change of one zone ended, and with which entry."""

    key: str
    outcome: str
    number: int


@dataclass(frozen=True, slots=True)
class History:
    """What entries say of one plan. states: each as (kind, number of the entry), in order; updates: of its zones.

    begun: the entry with which the first change of a zone was begun; None: none was. first, ended: with which entry
    each step was first begun, and with which outcome and entry it ended. Entries are numbered from 1, as given.
    """

    made: Mapping[str, object]
    states: tuple[tuple[str, int], ...]
    updates: tuple[Update, ...]
    begun: int | None
    first: Mapping[str, int]
    ended: Mapping[str, tuple[str, int]]

    @property
    def kinds(self) -> list[str]:
        """All that is said of it."""
        return [kind for kind, _ in self.states]

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

    @property
    def restore(self) -> Mapping[str, str] | None:
        """What it restores; None: nothing."""
        return self.made["restore"] if self.made["kind"] == "restore" else None  # type: ignore[return-value]

    def ended_at(self) -> int | None:
        """Return the entry that says how it ended, whatever became of it later; None: it has not."""
        return next((number for kind, number in self.states if kind in CARRIED_OUT | NOTHING_DONE), None)


def histories(entries: tuple[Entry, ...]) -> dict[str, History]:
    """Return what these entries say of each plan that was made in them."""
    made: dict[str, Mapping[str, object]] = {}
    states: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    updates: defaultdict[str, list[Update]] = defaultdict(list)
    first: defaultdict[str, dict[str, int]] = defaultdict(dict)
    ended: defaultdict[str, dict[str, tuple[str, int]]] = defaultdict(dict)
    for number, entry in enumerate(entries, start=1):
        plan = entry.subject
        if entry.kind == "plan.made":
            made[plan] = entry.body["plan"]  # type: ignore[assignment]
        if entry.kind.startswith("plan."):
            states[plan].append((entry.kind, number))
        if entry.kind == "step.begun":
            first[plan] = dict.fromkeys(steps_of(entry), number) | first[plan]
        if entry.kind == "step.ended":
            outcomes = {one["step"]: one["outcome"] for one in entry.body["steps"]}  # type: ignore[attr-defined]
            ended[plan] |= {step: (outcome, number) for step, outcome in outcomes.items()}
            updates[plan] += [Update(key, how, number) for key, how in outcomes.items() if key.startswith(UPDATE)]
    return {
        plan: History(
            made[plan],
            tuple(states[plan]),
            tuple(updates[plan]),
            min((number for step, number in first[plan].items() if step.startswith(UPDATE)), default=None),
            first[plan],
            ended[plan],
        )
        for plan in made
    }


def steps_of(entry: Entry) -> list[str]:
    """Return the steps that begin with an entry."""
    return [str(step) for step in entry.body["steps"]]  # type: ignore[attr-defined]


def zone_of(key: str) -> str:
    """Return the zone that a step changes."""
    return key.removeprefix(UPDATE).partition("@")[0]
