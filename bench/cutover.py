"""Approval until all name servers answer, beside the floor: the same change of the same zones, turn about."""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from bench.fleets import copy_pages, server_names, site_name, write_fleet
from bench.floor import change_all
from bench.result import Row, seconds, spread
from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer
from core.people import Person, Role
from core.plan.plan import PlanState
from core.wording import from_stamp
from lab import Lab
from ops.ports import Ports
from ops.store.plans import RUN

PERSON = Person("bench", "terminal", frozenset(Role))
BLOCK = "127.210.1."
SIZES = {1: 3, 100: 3, 1000: 2}
WITHIN_S = 0.3
RATIO = 1.1
# Knot spaces refreshes of a zone a second apart, and NSD its reloads: who comes second must not pay for who came first.
SETTLE_S = 2.5


@dataclass(frozen=True)
class Timed:
    """One cutover: seconds from typing `approve` until all name servers answered, and until its run had ended.

    parts: seconds by what went on, in order.
    """

    answered_s: float
    ended_s: float
    parts: dict[str, float]


async def measure(folder: Path) -> list[Row]:
    """Measure cutovers of 1, 100 and 1,000 zones in one lab; its first server is dead, as in an emergency."""
    sites = max(SIZES)
    config = write_fleet(folder / "app.yaml", BLOCK, sites=sites)
    with Lab(config, folder / ".lab") as lab:
        os.environ.update(lab.env)
        async with open_ports(Settings(config, folder / "sharpnet.db")) as ports:
            copy_pages(lab, ports.fleet)
            source, _ = server_names(2)
            lab.drop(source)
            rows: list[Row] = []
            for size, rounds in SIZES.items():
                asked = [source] if size == sites else [site_name(number) for number in range(size)]
                rows += await _compare(lab, ports, asked, size, rounds)
            return rows


async def _compare(lab: Lab, ports: Ports, asked: Sequence[str], size: int, rounds: int) -> list[Row]:
    names = [site_name(number) for number in range(size)]
    servers = [server.endpoint for server in ports.fleet.dns.nameservers]
    home = str(ports.fleet.servers[server_names(2)[0]].ipv4)
    ours: list[Timed] = []
    floors: list[float] = []
    for _ in range(rounds):
        ours.append(await _cut_over(ports, asked))
        await asyncio.sleep(SETTLE_S)
        floors.append(change_all(lab, names, home, servers, ports.fleet.dns.max_ttl_s))
    answered, floor = median(one.answered_s for one in ours), median(floors)
    held = answered <= floor + WITHIN_S if size == 1 else answered <= floor * RATIO
    middle = sorted(ours, key=lambda one: one.answered_s)[len(ours) // 2]
    what = f"approval → all {len(servers)} answer, {size:,} zone{'s' if size > 1 else ''}"
    return [
        Row(
            what,
            spread([one.answered_s for one in ours]),
            f"nsupdate {spread(floors)}: {answered - floor:+.2f} s, {answered / floor:.1f}x",
            f"floor + {WITHIN_S} s" if size == 1 else f"floor x {RATIO}",
            held,
        ),
        Row(
            "… until its end is kept; what it was spent on",
            spread([one.ended_s for one in ours]),
            ", ".join(f"{part} {seconds(length)}" for part, length in middle.parts.items()),
        ),
    ]


async def _cut_over(ports: Ports, asked: Sequence[str]) -> Timed:
    planned = await answer(["failover", *asked], PERSON, "terminal", ports)
    if planned.facts is None or not planned.facts["may_be_approved"]:
        raise RuntimeError(f"the plan may not be approved: {planned.title}")
    plan_id = str(planned.facts["id"])
    await asyncio.sleep(SETTLE_S)
    typed_at, began = ports.clock.now(), time.perf_counter()
    await answer(["approve", plan_id, "--yes"], PERSON, "terminal", ports, follow=False)
    await ports.engine.wait(RUN, plan_id)
    ended_s = time.perf_counter() - began
    stored = await ports.store.plans.get(plan_id)
    if stored is None or stored.state != PlanState.CONFIRMED or stored.progress.in_step_at is None:
        raise RuntimeError(f"plan {plan_id} was not confirmed: {stored.state if stored else 'gone'}")
    answered_s = (stored.progress.in_step_at - typed_at).total_seconds()
    return Timed(answered_s, ended_s, await _parts(ports, plan_id, typed_at))


async def _parts(ports: Ports, plan_id: str, typed_at: datetime) -> dict[str, float]:
    """Return what the time was spent on, from the record: before it was approved, in steps, and between them."""
    spent: dict[str, timedelta] = {}
    last_at, last = typed_at, "reading the zones again"
    for entry in await ports.store.record.entries(subject=plan_id):
        at = from_stamp(entry.at)
        if at < typed_at:
            continue
        spent[last] = spent.get(last, timedelta()) + at - last_at
        last_at, last = at, "store and card"
        if entry.kind == "step.begun":
            steps = entry.body["steps"]
            last = str(steps[0]).split(" ")[0] if isinstance(steps, list) else last
    return {part: length.total_seconds() for part, length in spent.items()}
