"""Says once a day what happened and what waits for somebody; nothing, where there is nothing to say."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from core.backup.snapshots import overdue
from core.incident.digest import DailyDigest, summary
from core.incident.maintenance import Phase
from core.incident.report import incidents_of
from core.plan.plan import PlanState
from core.status.overview import count_by_server
from jobs import Job
from ops.gather.anchors import record_end
from ops.gather.fleet_picture import count_ages

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from core.fleet import Fleet
    from ops.ports import Ports

DAY = timedelta(days=1)


async def sum_up(ports: Ports, _key: str, _at: datetime) -> None:
    """Put the day's message into the ops channel, where there is one."""
    day = await _day(ports)
    reply = summary(day, ports.fleet.name, ports.fleet.timezone)
    if reply is not None:
        date = day.now.astimezone(ZoneInfo(ports.fleet.timezone)).date()
        await ports.store.cards.put(f"summary:{date.isoformat()}", reply, day.now)


async def _day(ports: Ports) -> DailyDigest:
    fleet, store, now = ports.fleet, ports.store, ports.clock.now()
    since_at = now - DAY
    planned = await store.maintenance.now_and_planned()
    ages = await count_ages(ports)
    due = [name for name in ages.nowhere if fleet.sites[name].mirrors or fleet.offsite is not None]
    compared = await store.protection.compared()
    late_backups: tuple[str, ...] = ()
    if fleet.offsite is not None:
        late_backups = overdue(await store.protection.backed_up(), fleet.sites, now, fleet.offsite.max_age)
    return DailyDigest(
        now=now,
        incidents=incidents_of(await store.outages.since(since_at), await store.maintenance.since(since_at)),
        overrun=tuple(one for one in planned if one.phase(now) is Phase.OVERRUN),
        planned=tuple(one for one in planned if one.phase(now) is Phase.PLANNED and one.starts_at - now <= DAY),
        late=ages.overdue,
        missing=ages.missing,
        nowhere=tuple(due),
        chosen=len(ages.nowhere) - len(due),
        late_backups=late_backups,
        differing=tuple(
            f"{site} on {mirror}"
            for (site, mirror), last in compared.items()
            if not last.same and site in fleet.sites and mirror in fleet.sites[site].servers
        ),
        unfinished={plan.id: plan.title for plan in await store.plans.in_state(PlanState.UNFINISHED)},
        quarantined=count_by_server(list(await store.copies.quarantined())),
        record=await record_end(ports),
    )


def _triggers(fleet: Fleet) -> Iterable[tuple[str, str]]:
    if fleet.alerts.summary is not None:
        yield "daily", fleet.alerts.summary


JOB = Job(name="summary", run=sum_up, triggers=_triggers)
