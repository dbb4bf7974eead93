"""What the watch saw: the state of each target now, and when it was observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.wording import from_stamp, stamp
from ops.store.copies.served import newest_good_copies
from ops.store.part import StorePart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from core.fleet.target import TargetKind
    from ops.contracts import Transaction

    Row = tuple[str, ...]

_STATE = (
    "INSERT INTO states (target, state, since_at, seen_at, why) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (target) DO UPDATE SET state = excluded.state, since_at = excluded.since_at, "
    "seen_at = excluded.seen_at, why = excluded.why"
)
# A stretch goes on where the newest one of the target is of the same state and did not end too long ago.
_STRETCH = (
    "INSERT INTO observed (target, state, from_at, until_at) VALUES (?, ?, coalesce((SELECT CASE WHEN state = ? "
    "AND until_at >= ? THEN from_at END FROM observed WHERE target = ? ORDER BY from_at DESC LIMIT 1), ?), ?) "
    "ON CONFLICT (target, from_at) DO UPDATE SET state = excluded.state, until_at = "
    "CASE WHEN observed.until_at < excluded.until_at THEN excluded.until_at ELSE observed.until_at END"
)


@dataclass(frozen=True, slots=True)
class ObservedState:
    """The state of a target as it was last observed.

    state: "up", "degraded", "down" or "unknown". since_at: when it became so. seen_at: when it was last looked at.
    """

    target: Target
    state: str
    since_at: datetime
    seen_at: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class OldestCopies:
    """The oldest of some copies (begun at, site, server; None: there is none), and how many are not as they should be.

    overdue: too old. ahead: of unknown age, since they were made in the future. missing: not there.
    """

    oldest: tuple[datetime, str, str] | None
    overdue: int
    ahead: int
    missing: int


class ObservedStates(StorePart):
    """States, and observed stretches of time."""

    async def saw(self, seen: Iterable[ObservedState], *, gap: timedelta) -> None:
        """Keep what was just observed. A stretch goes on while the state is the same and no gap is longer than `gap`.

        Time between two looks further apart than `gap` was not observed: it belongs to no stretch.
        """
        batch = list(seen)

        def work(database: Transaction) -> None:
            # Many rows at once: there may be thousands of targets a second.
            states, observed = _rows(batch, gap)
            database.execute_many(_STATE, states)
            database.execute_many(_STRETCH, observed)

        await self._db.write(work)

    async def states(self) -> Mapping[Target, ObservedState]:
        """Return the last observed state of every target, by target."""
        rows = await self._query("SELECT * FROM states")
        return {one.target: one for one in map(_seen, rows)}

    async def counts(self, stale_before_at: datetime) -> Mapping[tuple[TargetKind, str], int]:
        """Return how many targets are in each state, by (kind, state).

        What was last looked at before `stale_before_at` is unknown.
        """
        rows = await self._query(
            "SELECT kind, CASE WHEN seen_at < ? THEN 'unknown' ELSE state END AS state_now, count(*) AS targets "
            "FROM states GROUP BY kind, state_now",
            [stamp(stale_before_at)],
        )
        return {(row["kind"], row["state_now"]): row["targets"] for row in rows}

    async def not_up(self, kind: TargetKind, most: int) -> tuple[ObservedState, ...]:
        """Return the targets of one kind that were not up when they were last looked at, worst first, `most` of them.

        How many there are in all is in `counts`.
        """
        rows = await self._query(
            "SELECT * FROM states WHERE target > ? AND target < ? AND state != 'up' "
            "ORDER BY CASE state WHEN 'down' THEN 0 WHEN 'degraded' THEN 1 ELSE 2 END, target LIMIT ?",
            [f"{kind}:", f"{kind};", most],
        )
        return tuple(_seen(row) for row in rows)

    async def states_of(self, targets: Iterable[Target]) -> Mapping[Target, ObservedState]:
        """Return the last observed state of these targets, by target; one that was never seen is absent."""
        wanted = [str(target) for target in targets]
        rows = await self._query("SELECT states.* FROM given JOIN states USING (target)", given={"target": wanted})
        return {one.target: one for one in map(_seen, rows)}

    async def last_look_at(self) -> datetime | None:
        """Return when any server was last looked at; None: never."""
        rows = await self._query(
            "SELECT max(seen_at) AS at FROM states WHERE target > 'server:' AND target < 'server;'"
        )
        return from_stamp(rows[0]["at"]) if rows[0]["at"] is not None else None

    async def keep_only(self, targets: Iterable[Target]) -> None:
        """Forget the states of all other targets: they are not watched any more. What was observed stays."""
        wanted = {str(target) for target in targets}

        def work(database: Transaction) -> None:
            gone = [row["target"] for row in database.query("SELECT target FROM states") if row["target"] not in wanted]
            database.execute_many("DELETE FROM states WHERE target = ?", [(target,) for target in gone])

        await self._db.write(work)

    async def newest_good(self, copies: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], datetime]:
        """Return when the last good copy of each (site, server) began; one without any is absent.

        It asks for these pairs only: the whole history of syncs is long.
        """
        found = await self._db.read(lambda database: newest_good_copies(database, copies))
        return {(site, server): from_stamp(at) for site, server, at in found if at is not None}

    async def oldest_copies(
        self, copies: Iterable[tuple[str, str]], overdue_before_at: datetime, ahead_after_at: datetime
    ) -> OldestCopies:
        """Return how old the last good copies of these (site, server) pairs are, without reading each of them."""
        found = await self._db.read(lambda database: newest_good_copies(database, copies))
        made = [(at, site, server) for site, server, at in found if at is not None]
        oldest, overdue, ahead = min(made, default=None), stamp(overdue_before_at), stamp(ahead_after_at)
        return OldestCopies(
            (from_stamp(oldest[0]), *oldest[1:]) if oldest is not None else None,
            overdue=sum(at < overdue for at, _, _ in made),
            ahead=sum(at > ahead for at, _, _ in made),
            missing=len(found) - len(made),
        )

    async def served_counts(self) -> Mapping[str, int]:
        """Return how many sites are served from each server, of those whose DNS was ever seen."""
        rows = await self._query("SELECT server, count(*) AS sites FROM active GROUP BY server")
        return {row["server"]: row["sites"] for row in rows}

    async def served_from(self, sites: Iterable[str]) -> Mapping[str, str]:
        """Return the server that the DNS of each of these sites was last seen to point to; absent: never seen."""
        wanted = list(sites)
        rows = await self._query("SELECT site, server FROM given JOIN active USING (site)", given={"site": wanted})
        return {row["site"]: row["server"] for row in rows}


def _rows(batch: Sequence[ObservedState], gap: timedelta) -> tuple[list[Row], list[Row]]:
    """Return the rows of `batch` for `states` and for `observed`, as its statements take them."""
    written = {at: stamp(at) for one in batch for at in (one.since_at, one.seen_at, one.seen_at - gap)}
    named = [(str(one.target), one) for one in batch]
    states: list[Row] = [
        (target, one.state, written[one.since_at], written[one.seen_at], one.why) for target, one in named
    ]
    observed: list[Row] = [
        (target, one.state, one.state, written[one.seen_at - gap], target, *(2 * [written[one.seen_at]]))
        for target, one in named
    ]
    return states, observed


def _seen(row: dict[str, str]) -> ObservedState:
    return ObservedState(
        Target.parse(row["target"]), row["state"], from_stamp(row["since_at"]), from_stamp(row["seen_at"]), row["why"]
    )
