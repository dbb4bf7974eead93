"""Everything that is not a test's own: a second plan, run, owner, site, server, card and so on in every table.

A statement that forgets whom it is about changes these too, or counts them; with one of everything no test would see
that. What is here has times that no test comes to, so that none of it lapses, ends or gets too old by itself.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from core.cutover.steps import Outcome
from core.dns.records import RecordChange, RecordSet
from core.fleet import Endpoint
from core.fleet.target import Target
from core.incident.facts import OutageFacts
from core.incident.notes import Annotation
from core.incident.outage import Outage
from core.mailboxes.pairs import MailboxPair
from core.mailboxes.result import MailboxEnd
from core.plan.plan import Failover, Move, Plan, ZoneChange
from core.plan.progress import CutoverProgress, ZoneDone
from core.reply import Reply, Tone
from ops.store import Store
from ops.store.copies.backups import PROOF, SAVE, BackupRun
from ops.store.copies.proofs import ProofRun
from ops.store.copies.protection import LastComparison
from ops.store.copies.served import SyncRun
from ops.store.fence import RunFence
from ops.store.incident.maintenance import NewMaintenance, Suppressed
from ops.store.incident.outages import OutageClosing, OutageOpening
from ops.store.monitor.external_alerts import Report
from ops.store.monitor.states import ObservedState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ops.contracts import Db, Transaction

    Work = Callable[[Transaction], object]
    Rows = Mapping[str, Counter[tuple[object, ...]]]

THEN = datetime(2126, 1, 1, tzinfo=UTC)
LONG = timedelta(days=365)
SKI, SKATE, LIMA = Target.site("ski"), Target.site("skate"), Target.server("lima")
PLAN, WAITING_PLAN, BOT, ROUTE, USER = "OTHR", "WAIT", "other-bot", "env:OTHER", "UOTHER"
RUNNING, WAITING_CARD = "o-ski", "other:alert"
OTHERS_MAIL = MailboxPair("eve@ski.example", "alps", "lima")
ACTIVE = {"ski": "alps", "skate": "lima"}
CLAIMED = {"site:ski", "site:skate"}
COMPARED = {("ski", "lima"): LastComparison(THEN, same=False), ("skate", "lima"): LastComparison(THEN, same=True)}
# Tables that hold nothing of anybody: the store's own pulse and what is doubted of it, and what was never used.
OF_NOBODY = {"pulse", "bots", "store_doubt"}


def other_plan(plan_id: str, site: str) -> Plan:
    """Return a plan that moves one site from alps to lima."""
    old, new = (RecordSet(f"{site}.example", "A", 300, (address,)) for address in ("198.51.100.1", "198.51.100.2"))
    return Plan(
        id=plan_id,
        purpose=Failover(),
        moves=(Move(site, "alps", "lima"),),
        zones=(ZoneChange(Endpoint("198.51.100.53"), f"{site}.example", 10, (RecordChange(old, new),)),),
        asked_by="slack:UOTHER",
        asked_at=THEN,
        expires_at=THEN + LONG,
    )


class Batch:
    """Implements `ops.contracts.Db` for writes: they are kept, to be done later in one transaction."""

    def __init__(self) -> None:
        self.works: list[Work] = []

    async def write(self, work: Work) -> Sequence[dict[str, int]]:
        self.works.append(work)
        return ()


async def put_others(db: Db) -> None:
    """Write them, all at once."""
    batch = Batch()
    store = Store(cast("Db", batch))
    await _plans_and_runs(store)
    await _copies(store)
    await _incidents(store)
    await _told(store)
    await db.write(lambda transaction: [work(transaction) for work in batch.works])


async def rows_of(db: Db) -> Rows:
    """Return every row of every table, but those of the database itself."""

    def work(transaction: Transaction) -> Rows:
        names = [str(row["name"]) for row in transaction.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = [name for name in names if not name.startswith(("sqlite_", "_"))]
        return {
            name: Counter(tuple(row.values()) for row in transaction.query(f"SELECT * FROM {name}"))  # noqa: S608 - from the schema
            for name in tables
        }

    return await db.read(work)


def changed_since(before: Rows, after: Rows) -> dict[str, Any]:
    """Return the rows that were there before and are not as they were, by table."""
    return {table: list(gone) for table, rows in before.items() if (gone := rows - after.get(table, Counter()))}


async def _plans_and_runs(store: Store) -> None:
    for plan in (other_plan(PLAN, "ski"), other_plan(WAITING_PLAN, "skate")):
        await store.plans.add(plan, Reply(f"Plan {plan.id}"))
    await store.plans.approve(other_plan(PLAN, "ski"), "slack:U9", 1, lambda: THEN)
    await store.plans.approve(other_plan(WAITING_PLAN, "skate"), "slack:U8", 2, lambda: THEN)
    await store.plans.begin_steps(PLAN, ["hold", "verify"], THEN, BOT)
    progress = CutoverProgress(zones={"ski.example": ZoneDone(THEN, 11)})
    await store.plans.end_steps(PLAN, [("hold", Outcome.DONE, "held")], progress, THEN, BOT)
    await store.runs.take("cutover", PLAN, BOT, LONG)
    await store.runs.submit("drill", PLAN, THEN)
    await store.runs.take("drill", PLAN, BOT, LONG)
    await store.runs.end(RunFence("drill", PLAN, 1), THEN)
    await store.claims.take(["site:ski"], PLAN, "a cutover", THEN, None)
    await store.claims.take(["site:skate"], BOT, "a sync", THEN, LONG)
    await store.claims.fire("other:job", THEN)


async def _copies(store: Store) -> None:
    await store.mailboxes.begin(OTHERS_MAIL, THEN, BOT, asked=True)
    await store.mailboxes.end(OTHERS_MAIL, MailboxEnd("disk-full", "", {}), THEN, BOT, asked=True)
    await store.copies.set_active({"ski": "alps", "skate": "lima"}, THEN)
    await store.copies.quarantine([("skate", "alps")], "left", THEN, BOT)
    for site, outcome in (("ski", None), ("skate", "good")):
        await store.copies.begin_sync(SyncRun(f"o-{site}", site, "alps", "lima", THEN, None, None, {}), BOT)
        await store.proofs.add(ProofRun(f"p-{site}", site, "alps", "lima", THEN, outcome or "differs", {}), THEN, BOT)
        backup = BackupRun(f"b-{site}", SAVE if outcome else PROOF, site, "alps", THEN)
        await store.backups.begin(backup, BOT)
        if outcome is not None:
            await store.copies.end_sync(f"o-{site}", outcome, {"files": 3}, THEN, BOT)
            await store.backups.end(backup, outcome, "0ther", {}, THEN, BOT)


async def _incidents(store: Store) -> None:
    openings = [OutageOpening(target, THEN, OutageFacts(why="silent")) for target in (LIMA, SKI)]
    await store.outages.open_many(openings, BOT, lambda _made: None, _drawn, THEN)
    over = Outage(2, SKI, THEN, None, OutageFacts(), "outage:2")
    await store.outages.acknowledge(over, "slack:U9", THEN, _drawn)
    await store.outages.annotate(over, Annotation("cause", "a flood", "slack:U9", THEN), _drawn)
    await store.outages.close_many([OutageClosing(over, THEN + LONG, OutageFacts())], BOT, _drawn, THEN)
    wanted = NewMaintenance(LIMA, "a new disk", "slack:U9", THEN, THEN + LONG)
    await store.maintenance.plan(wanted, THEN, lambda one: Reply(one.why), lambda _open: None)
    await store.maintenance.suppress([Suppressed(1, SKI, THEN, None, "silent")], "maintenance:1", "ski is down", THEN)
    await store.external_alerts.take_in([Report("other", LIMA, THEN, THEN)], [])


async def _told(store: Store) -> None:
    await store.cards.put("other:card", Reply("other"), THEN)
    await store.cards.note("other:card", "more", THEN)
    for key in ("other:card", f"plan:{PLAN}", f"plan:{WAITING_PLAN}", "outage:1", "outage:2", "maintenance:1"):
        await store.cards.posted(key, 9, "COTHER", key)
    await store.notifications.take_up([ROUTE])
    await store.cards.put("other:alert", Reply("told by other ways", tone=Tone.BAD), THEN)
    await store.cards.trying("other:alert", THEN)
    await store.notifications.trying(ROUTE)
    await store.states.saw([ObservedState(one, "down", THEN, THEN, "silent") for one in (LIMA, SKI)], gap=LONG)
    await store.latencies.keep([(SKI, 10_000_000, 0.1)])
    await store.home_tabs.opened([USER], BOT, THEN, LONG, most=9)


def _drawn(outages: Sequence[Outage]) -> Reply:
    return Reply("Down: " + " ".join(str(one.target) for one in outages))
