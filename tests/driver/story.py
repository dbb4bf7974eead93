"""A story of a fleet as a checker sees it, for tests to tell and to forge."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from driver.history import Look, Seen

from core.audit import FIRST, Entry, entry_hash

if TYPE_CHECKING:
    from driver.history import Copy

AT = "2026-06-14T13:02:07.000000+00:00"
ZONES = {"shop": "shop.test", "blog": "blog.test"}


class Story:
    """Tells what happens to two sites that live in the north, and what is seen of it."""

    def __init__(self) -> None:
        self.record: list[Entry] = []
        self.looks: list[Look] = []
        self.served = {"shop": "north", "blog": "north"}
        self.versions = {(site, server): 5 for site in ("shop", "blog") for server in ("north", "south")}
        self.cards: dict[str, str] = {}
        self.rose = {"shop.test": 0, "blog.test": 0}
        self.notes: dict[Copy, set[str]] = {copy: {"old"} for copy in self.versions}
        self.quarantined: set[Copy] = set()
        self.written: set[Copy] = set()
        self.ran: Counter[tuple[str, str]] = Counter()
        self.look()

    def entry(self, kind: str, subject: str, **body: object) -> None:
        before = self.record[-1].hash if self.record else FIRST
        digest = entry_hash(before, AT, kind, subject, "boss", body)
        self.record.append(Entry(len(self.record) + 1, AT, kind, subject, "boss", body, before, digest))

    def look(self, *choosing: str) -> None:
        self.looks.append(
            Look(
                len(self.record),
                dict(self.served),
                dict(self.versions),
                frozenset(choosing),
                {copy: frozenset(notes) for copy, notes in self.notes.items()},
                frozenset(self.quarantined),
                frozenset(self.written),
            )
        )
        self.written.clear()

    def write(self, site: str, server: str, version: int, *choosing: str) -> None:
        self.versions[site, server] = version
        self.look(*choosing)

    def made(self, plan: str, *sites: str, to: str = "south", kind: str = "failover", planned: bool = True) -> None:
        moves = [{"site": site, "source": self.served[site], "target": to} for site in sites]
        zones = [{"zone": ZONES[site]} for site in sites]
        self.entry("plan.made", plan, plan={"kind": kind, "planned": planned, "moves": moves, "zones": zones})
        self.cards[plan] = "Move?"

    def updated(self, plan: str, site: str, to: str = "south", outcome: str = "done") -> None:
        step = f"update {ZONES[site]}@192.0.2.53:53"
        self.entry("step.begun", plan, steps=[step])
        if outcome == "done":
            self.served[site] = to
            self.rose[ZONES[site]] += 1
        self.look()
        self.entry("step.ended", plan, steps=[{"step": step, "outcome": outcome, "detail": "…"}])

    def ended(self, plan: str, how: str, card: str) -> None:
        self.entry(f"plan.{how}", plan, why="")
        self.cards[plan] = card
        self.look()

    def moved(self, plan: str, *sites: str, to: str = "south", kind: str = "failover", planned: bool = True) -> None:
        """Tell of a whole cutover."""
        self.made(plan, *sites, to=to, kind=kind, planned=planned)
        self.entry("plan.approved", plan)
        for site in sites:
            self.updated(plan, site, to)
        self.ended(plan, "confirmed", "Done: moved")

    def restored(self, plan: str, site: str, server: str, version: int, *, approved: int) -> None:
        """Tell of a restore that puts one version in place, where another one may have been approved."""
        restore = {"site": site, "server": server, "full_id": f"snapshot-{approved}"}
        body = {"kind": "restore", "planned": True, "moves": [], "zones": [], "restore": restore}
        self.entry("plan.made", plan, plan=body)
        self.entry("plan.approved", plan)
        self.entry("step.begun", plan, steps=[f"restore {site}"])
        self.versions[site, server] = version
        self.entry("step.ended", plan, steps=[{"step": f"restore {site}", "outcome": "done", "detail": "…"}])
        self.ended(plan, "confirmed", "Done: restored")

    def hooked(self, moment: str, site: str, *, runs: int = 1, ended: str = "ran") -> None:
        """Tell of a hook that a server has run so often."""
        self.entry("hook.begun", site, moment=moment)
        self.ran[moment, site] += runs
        self.entry(f"hook.{ended}", site, moment=moment)

    def seen(self) -> Seen:
        return Seen(
            homes={"shop": "north", "blog": "north"},
            record=tuple(self.record),
            looks=tuple(self.looks),
            rose=self.rose,
            answers={site: dict.fromkeys(("ns1", "ns2"), server) for site, server in self.served.items()},
            active=dict(self.served),
            quarantined=frozenset(self.quarantined),
            told=frozenset(self.quarantined),
            cards=self.cards,
            ran=self.ran,
            saved={f"snapshot-{version}": version for version in range(10)},
        )


def with_plans() -> Story:
    """Tell of one plan that was carried out, one that was cancelled and one that waits; each has its like in others."""
    story = Story()
    story.moved("DONE", "shop", "blog")
    story.made("GONE", "shop", to="north")
    story.ended("GONE", "cancelled", "Cancelled: failover")
    story.made("WAIT", "blog", to="north")
    return story
