"""Mutants that no test could notice, with the reason: they do the same as the code that is there.

Each by its name, `FILE: BEFORE => AFTER`, as `make mutants` says it.
"""

from __future__ import annotations

_BY_REASON: dict[str, tuple[str, ...]] = {
    "The newest row of each key is one of the same table and the same condition, so that it is always there.": (
        "ops/store/part.py: SELECT ~0~.* FROM (~1~) AS newest JOIN ~2~ USING (~3~, ~4~) WHERE ~5~ => SELECT ~0~.* FROM (~1~) AS newest LEFT JOIN ~2~ USING (~3~, ~4~) WHERE ~5~",  # noqa: E501 - as it is said
    ),
    "The newest of both is looked for, and a moment that stands there twice is no newer.": (
        "ops/store/incident/reminders.py: minded_at AS at FROM outages WHERE card = ? UNION ALL SELECT made_at FROM cards WHERE key = ?) AS momen => minded_at AS at FROM outages WHERE card = ? UNION SELECT made_at FROM cards WHERE key = ?) AS momen",  # noqa: E501 - as it is said
    ),
    "SQLite reads a table by its number anyway; nothing promises that, so the order stays.": (
        "ops/store/notifications.py: umber > (SELECT done FROM routes WHERE route = ?) ORDER BY number LIMIT ? => umber > (SELECT done FROM routes WHERE route = ?) LIMIT ?",  # noqa: E501 - as it is said
    ),
    "They are sorted into a mapping by target; of each they come in the order of their times.": (
        "ops/store/monitor/history.py: served USING (target) WHERE until_at > ? ORDER BY target, from_at => served USING (target) WHERE until_at > ? ORDER BY from_at",  # noqa: E501 - as it is said
    ),
    "No target begins with `server;`: it only ends those that begin with `server:`.": (
        "ops/store/monitor/states.py: tes WHERE target > 'server:' AND target < 'server;' => tes WHERE target > 'server:' AND target < 'server;-'",  # noqa: E501 - as it is said
    ),
    "No target is called `server;`: it only ends those that begin with `server:`.": (
        "ops/store/monitor/states.py: FROM states WHERE target > 'server:' AND target < 'server;' => FROM states WHERE target > 'server:' AND target <= 'server;'",  # noqa: E501 - as it is said
    ),
    "A plan that was never approved is left out once more by who reads it.": (
        "ops/store/plans.py: approved_at IS NOT NULL AND state NOT IN ('stale', 'approved') => (TRUE) AND state NOT IN ('stale', 'approved')",  # noqa: E501 - as it is said
    ),
    "A snapshot without a run has no kind either.": (
        "ops/store/copies/backups.py: SELECT backups.* FROM given JOIN backups USING (snapshot) WHERE kind = ? => SELECT backups.* FROM given LEFT JOIN backups USING (snapshot) WHERE kind = ?",  # noqa: E501 - as it is said
    ),
    "They are sorted into a mapping by target.": (
        "ops/store/monitor/history.py: USING (target) WHERE until_at > ? ORDER BY target, from_at => USING (target) WHERE until_at > ? ORDER BY target DESC, from_at",  # noqa: E501 - as it is said
    ),
    "What is neither down nor degraded comes last, whatever the number.": (
        "ops/store/monitor/states.py: te WHEN 'down' THEN 0 WHEN 'degraded' THEN 1 ELSE 2 END, target LIMIT ? => te WHEN 'down' THEN 0 WHEN 'degraded' THEN 1 ELSE 3 END, target LIMIT ?",  # noqa: E501 - as it is said
    ),
    "An incident without a word gets one under no name, for which nobody asks.": (
        "ops/store/incident/annotations.py: SELECT said.* FROM given JOIN said USING (incident) ORDER BY number => SELECT said.* FROM given LEFT JOIN said USING (incident) ORDER BY number",  # noqa: E501 - as it is said
    ),
    "The numbers of cards are only compared with each other.": (
        "ops/store/cards.py: nged_at) VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM cards), ?, 1, ?, ?) ON CONFLICT (key) D => nged_at) VALUES (?, (SELECT coalesce(max(number), 1) + 1 FROM cards), ?, 1, ?, ?) ON CONFLICT (key) D",  # noqa: E501 - as it is said
    ),
    "SQLite reads them by the index of those that run; nothing promises that, so the order stays.": (
        "ops/store/copies/backups.py: ended_at IS NULL ORDER BY begun_at => ended_at IS NULL",
    ),
    "SQLite reads them by the index of incident and number; nothing promises that, so the order stays.": (
        "ops/store/incident/annotations.py: ELECT said.* FROM given JOIN said USING (incident) ORDER BY number => ELECT said.* FROM given JOIN said USING (incident)",  # noqa: E501 - as it is said
    ),
}
EQUIVALENT = {name: reason for reason, names in _BY_REASON.items() for name in names}
