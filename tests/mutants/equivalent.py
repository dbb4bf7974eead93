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
        "ops/store/identity.py: SELECT id FROM store_ids ORDER BY number => SELECT id FROM store_ids",
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
        "ops/store/cards.py: at) VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM cards), ?, 1, ?, ?) ON CONFLICT (key) DO UPD => at) VALUES (?, (SELECT coalesce(max(number), 0) + 2 FROM cards), ?, 1, ?, ?) ON CONFLICT (key) DO UPD",  # noqa: E501 - as it is said
    ),
    "SQLite reads them by the index of those that run; nothing promises that, so the order stays.": (
        "ops/store/copies/backups.py: ended_at IS NULL ORDER BY begun_at => ended_at IS NULL",
    ),
    "SQLite reads them by the index of incident and number; nothing promises that, so the order stays.": (
        "ops/store/incident/annotations.py: ELECT said.* FROM given JOIN said USING (incident) ORDER BY number => ELECT said.* FROM given JOIN said USING (incident)",  # noqa: E501 - as it is said
    ),
    "SQLite reads them by an index in that order; nothing promises that, so the order stays.": (
        "ops/store/incident/outages.py: SELECT * FROM outages WHERE card = ? ORDER BY id => SELECT * FROM outages WHERE card = ?",  # noqa: E501 - as it is said
        "ops/store/incident/outages.py: * FROM outages WHERE target = ? AND closed_at >= ? ORDER BY id => * FROM outages WHERE target = ? AND closed_at >= ?",  # noqa: E501 - as it is said
        "ops/store/identity.py: SELECT site, server FROM quarantine ORDER BY site, server => SELECT site, server FROM quarantine ORDER BY site",  # noqa: E501 - as it is said
        "ops/store/identity.py: SELECT site, server FROM quarantine ORDER BY site, server => SELECT site, server FROM quarantine",  # noqa: E501 - as it is said
        "ops/store/monitor/history.py: en JOIN observed USING (target) WHERE until_at > ? ORDER BY target, from_at => en JOIN observed USING (target) WHERE until_at > ?",  # noqa: E501 - as it is said
        "ops/store/monitor/history.py: USING (target) WHERE until_at > ? ORDER BY target, from_at => USING (target) WHERE until_at > ? ORDER BY target",  # noqa: E501 - as it is said
        "ops/store/incident/maintenance.py: WHERE ~0~ ORDER BY starts_at, id => WHERE ~0~",
        "ops/store/incident/maintenance.py: WHERE ~0~ ORDER BY starts_at, id => WHERE ~0~ ORDER BY starts_at",
        "ops/store/cards.py: LECT * FROM cards WHERE posted_revision < revision ORDER BY number => LECT * FROM cards WHERE posted_revision < revision",  # noqa: E501 - as it is said
        "ops/store/monitor/states.py: EN 'down' THEN 0 WHEN 'degraded' THEN 1 ELSE 2 END, target LIMIT ? => EN 'down' THEN 0 WHEN 'degraded' THEN 1 ELSE 2 END LIMIT ?",  # noqa: E501 - as it is said
    ),
    "What is asked for is given in that order, and the join keeps it; nothing promises that, so the order stays.": (
        "ops/store/claims.py: OM given JOIN claims USING (name) WHERE owner <> ? ORDER BY name => OM given JOIN claims USING (name) WHERE owner <> ?",  # noqa: E501 - as it is said
        "ops/store/cancellations.py: JOIN claims USING (name) WHERE owner <> ? AND ~0~ ORDER BY name => JOIN claims USING (name) WHERE owner <> ? AND ~0~",  # noqa: E501 - as it is said
    ),
    "What is missing on the other side is neither another's nor later than anything.": (
        "ops/store/claims.py: SELECT claims.* FROM given JOIN claims USING (name) WHERE owner <> ? ORDER B => SELECT claims.* FROM given LEFT JOIN claims USING (name) WHERE owner <> ? ORDER B",  # noqa: E501 - as it is said
        "ops/store/cancellations.py: SELECT claims.* FROM given JOIN claims USING (name) WHERE owner <> ? AND ~0~ => SELECT claims.* FROM given LEFT JOIN claims USING (name) WHERE owner <> ? AND ~0~",  # noqa: E501 - as it is said
        "ops/store/monitor/history.py: ELECT target, state, from_at, until_at FROM given JOIN observed USING (target) WHERE until_at > ? O => ELECT target, state, from_at, until_at FROM given LEFT JOIN observed USING (target) WHERE until_at > ? O",  # noqa: E501 - as it is said
        "ops/store/cards.py: SELECT notes.* FROM notes JOIN cards ON cards.key = notes.card WHERE notes. => SELECT notes.* FROM notes LEFT JOIN cards ON cards.key = notes.card WHERE notes.",  # noqa: E501 - as it is said
    ),
    "The numbers of a store's ids are only compared with each other.": (
        "ops/store/identity.py: re_ids (number, id) VALUES ((SELECT min(number) - 1 FROM store_ids), ?) ON CONFLICT DO NOTHING => re_ids (number, id) VALUES ((SELECT min(number) - 2 FROM store_ids), ?) ON CONFLICT DO NOTHING",  # noqa: E501 - as it is said
        "ops/store/identity.py: re_ids (number, id) VALUES ((SELECT max(number) + 1 FROM store_ids), ?) => re_ids (number, id) VALUES ((SELECT max(number) + 2 FROM store_ids), ?)",  # noqa: E501 - as it is said
        "ops/store/sqlite/schema.py: INSERT INTO store_ids (number, id) VALUES (1, lower(hex(randomblob(8)))) => INSERT INTO store_ids (number, id) VALUES (2, lower(hex(randomblob(8))))",  # noqa: E501 - as it is said
    ),
    "The same revision is put in the place of itself.": (
        "ops/store/cards.py: ULL, posted_revision = CASE WHEN posted_revision < ? THEN ? ELSE posted_revision END WHERE key = ? => ULL, posted_revision = CASE WHEN posted_revision <= ? THEN ? ELSE posted_revision END WHERE key = ?",  # noqa: E501 - as it is said
    ),
    "No target is called as a kind alone.": (
        "ops/store/monitor/states.py: SELECT * FROM states WHERE target > ? AND target < ? AND state != 'up' ORDER BY CASE state WHEN 'dow => SELECT * FROM states WHERE target > ? AND target <= ? AND state != 'up' ORDER BY CASE state WHEN 'dow",  # noqa: E501 - as it is said
        "ops/store/monitor/states.py: SELECT * FROM states WHERE target > ? AND target < ? AND state != 'up' ORDER BY CASE => SELECT * FROM states WHERE target >= ? AND target < ? AND state != 'up' ORDER BY CASE",  # noqa: E501 - as it is said
        "ops/store/monitor/states.py: LECT max(seen_at) AS at FROM states WHERE target > 'server:' AND target < 'server;' => LECT max(seen_at) AS at FROM states WHERE target >= 'server:' AND target < 'server;'",  # noqa: E501 - as it is said
        "ops/store/monitor/states.py: seen_at) AS at FROM states WHERE target > 'server:' AND target < 'server;' => seen_at) AS at FROM states WHERE target > 'server:-' AND target < 'server;'",  # noqa: E501 - as it is said
    ),
    "No run is called as a moment alone.": (
        "ops/store/copies/undos.py: id >= ? AND (outcome != 'good' OR files > 0 OR deleted => id > ? AND (outcome != 'good' OR files > 0 OR deleted",  # noqa: E501 - as it is said
    ),
    "No two runs have the same id.": (
        "ops/store/copies/undos.py: SELECT * FROM (~0~ UNION ALL ~1~) AS runs WHERE outcome != 'refused' AND ~2~ => SELECT * FROM (~0~ UNION ~1~) AS runs WHERE outcome != 'refused' AND ~2~",  # noqa: E501 - as it is said
    ),
    "What has ended says when.": (
        "core/incident/card_maintenance.py: actual = clock_time(one.ended_at or now, timezone, now) => actual = clock_time(one.ended_at, timezone, now)",  # noqa: E501 - as it is said
        "core/incident/card_maintenance.py: lasted = duration((one.ended_at or now) - (one.began_at or one.starts_at)) => lasted = duration(one.ended_at - (one.began_at or one.starts_at))",  # noqa: E501 - as it is said
    ),
    "It only saves work: what follows comes to the same.": (
        "core/monitor/detection.py: return track.held is track.judged is finding.state and track.why == finding.why and (track.verdict is None) => return None",  # noqa: E501 - as it is said
        "core/page/days.py: if state not in seconds[0] or ends_at <= edges[0][1] => if state not in seconds[0]",
        "core/page/days.py: while place < len(seconds) - 1 and edges[place + 1][1] <= begins_at => while False",
        "core/status/plot.py: if state not in lasted or ends_at < since_at or begins_at > now => if state not in lasted or begins_at > now",  # noqa: E501 - as it is said
        "core/backup/restic_output.py: if line[:1] in (b'{', b'[') => if True",
        "core/page/days.py: if edges[day][1] >= ends_at => if False",
        "core/page/days.py: while place < len(seconds) - 1 and edges[place + 1][1] <= begin => while place >= len(seconds) - 1 and edges[place + 1][1] <= begin",  # noqa: E501 - as it is said
        "core/monitor/detection.py: return track.held is track.judged is finding.state and track.why == finding.why and (t => return track.held is track.judged is not finding.state and track.why == finding.why and (t",  # noqa: E501 - as it is said
    ),
    "Where none fits, each has a reason.": (
        "core/cutover/planning.py: n = '; '.join((why for why in reasons.values() if why is not None)) => n = '; '.join((why for why in reasons.values() if True))",  # noqa: E501 - as it is said
    ),
    "Both are as long as there are families of addresses.": (
        "core/cutover/planning.py: ip(FAMILIES, _both(source), _both(target), strict=True) => ip(FAMILIES, _both(source), _both(target), strict=False)",  # noqa: E501 - as it is said
    ),
    "A name server that is not behind at all was told apart before.": (
        "core/dns/consistency.py: e = f'{self.behind_by} behind' if self.behind_by > 0 else f'{-self.behind_by} ahead' => e = f'{self.behind_by} behind' if self.behind_by >= 0 else f'{-self.behind_by} ahead'",  # noqa: E501 - as it is said
    ),
    "Equal serials were told apart before.": (
        "core/dns/records.py: return serial == wanted or 0 < (serial - wanted) % (1 << SERIAL_BITS) < SERIAL => return serial == wanted or -1 < (serial - wanted) % (1 << SERIAL_BITS) < SERIAL",  # noqa: E501 - as it is said
    ),
    "The depths of places are only compared with each other.": (
        "core/sync/batches.py: rce_base, self.mirror_base, self.place.count('/') + 1) => rce_base, self.mirror_base, self.place.count('/') - 1)",  # noqa: E501 - as it is said
        "core/sync/batches.py: e_base, self.mirror_base, self.place.count('/') + 1) => e_base, self.mirror_base, self.place.count('/') + 2)",  # noqa: E501 - as it is said
    ),
    "Nothing comes after it in the loop.": ("core/backup/restic_output.py: continue => (left out)",),
    "What was never looked at is never said to have gone well or not.": (
        "core/backup/report.py: if one.proven_at is None => if False",
    ),
    "A restore of which nothing is known has changed nothing either way.": (
        "core/cutover/steps.py: t(Step('restore', plan.purpose.site).key, Outcome.REFUSED) => t(Step('restore', plan.purpose.site).key, Outcome.NOT_BEGUN)",  # noqa: E501 - as it is said
    ),
    "Roles are only compared with each other.": ("core/people.py: ANYONE = 0 => ANYONE = -1",),
    "Ranks and levels are only compared with each other.": (
        "core/reply.py: OUTCOMES = {'differs': Ending(0, Tone.BAD, 1), 'failed': Ending(1, Tone.BAD, 1), => OUTCOMES = {'differs': Ending(-1, Tone.BAD, 1), 'failed': Ending(1, Tone.BAD, 1),",  # noqa: E501 - as it is said
        "core/status/sites.py: FRESH = 4 => FRESH = 5",
    ),
    "A place does not begin with a slash.": (
        "core/sync/batches.py: = {place[:at] for place in wanted for at in range(1, len(place)) if place[at:at + 1] == b'/'} => = {place[:at] for place in wanted for at in range(0, len(place)) if place[at:at + 1] == b'/'}",  # noqa: E501 - as it is said
    ),
    "No file was written before 1970 by a clock that counts from then.": (
        "core/failback/compare.py: urn datetime.fromtimestamp(max(self.returned_s or 0, self.active_s or 0), UTC) => urn datetime.fromtimestamp(max(self.returned_s or -1, self.active_s or 0), UTC)",  # noqa: E501 - as it is said
        "core/failback/compare.py: estamp(max(self.returned_s or 0, self.active_s or 0), UTC) => estamp(max(self.returned_s or 0, self.active_s or -1), UTC)",  # noqa: E501 - as it is said
    ),
    "Nobody asks for the TTL of what is only compared.": (
        "core/dns/consistency.py: records = tuple((RecordSet(owner, rdtype, 0, values) for (owner, rdtype), values in newest.va => records = tuple((RecordSet(owner, rdtype, 1, values) for (owner, rdtype), values in newest.va",  # noqa: E501 - as it is said
    ),
    "Another store is one that some witness was told of.": (
        "core/store_doubt.py: if verdict.standing is not Standing.OTHER or note is None => if verdict.standing is not Standing.OTHER",  # noqa: E501 - as it is said
    ),
    "Who acknowledged is kept together with when.": (
        "core/incident/report.py: if one.acked_by is not None and one.acked_at is not None => if one.acked_by is not None",  # noqa: E501 - as it is said
    ),
    "A name that cannot be read is never seen.": (
        "core/fleet/problems.py: if name is not None and name in seen => if name in seen",
    ),
    "What becomes nothing was something.": (
        "core/cutover/planning.py: if coming and old is not None and (rdtype != old.type) => if coming and rdtype != old.type",  # noqa: E501 - as it is said
    ),
    "The days before are passed over sooner or later, and get nothing.": (
        "core/page/days.py: while place < len(seconds) - 1 and edges[place + 1][1] <= begins_at => while place < len(seconds) - 1 and edges[place + 2][1] <= begins_at",  # noqa: E501 - as it is said
        "core/page/days.py: while place < len(seconds) - 1 and edges[place + 1][1] <= begin => while place <= len(seconds) - 1 and edges[place + 1][1] <= begin",  # noqa: E501 - as it is said
        "core/page/days.py: seconds[day][TargetState(state)] += max(0.0, part.total_seconds()) => seconds[day][TargetState(state)] += max(-1.0, part.total_seconds())",  # noqa: E501 - as it is said
    ),
    "Both have two.": (
        "core/cutover/planning.py: pe, coming in zip(FAMILIES, _both(target), strict=True) => pe, coming in zip(FAMILIES, _both(target), strict=False)",  # noqa: E501 - as it is said
    ),
    "No column is lower than the least.": (
        "core/status/plot.py: ((max(_LEAST, known[slot] / most_s if most_s else 0.0) if slot in known else None for slot in range(f => ((max(_LEAST, known[slot] / most_s if most_s else -1.0) if slot in known else None for slot in range(f",  # noqa: E501 - as it is said
    ),
    "Those never backed up have the same None, and come by their names.": (
        "core/backup/report.py: e: (one.backed_up_at is not None, one.backed_up_at or now, one.site)) => e: (one.backed_up_at is not None, one.backed_up_at, one.site))",  # noqa: E501 - as it is said
    ),
    "It is read only after a serial was put there.": ("core/dns/consistency.py: serial = 0 => serial = -1",),
    "The later of both is kept, and of two that are alike either.": (
        "ops/store/monitor/states.py: ed.state, until_at = CASE WHEN observed.until_at < excluded.until_at THEN excluded.until_at ELSE obs => ed.state, until_at = CASE WHEN observed.until_at <= excluded.until_at THEN excluded.until_at ELSE obs",  # noqa: E501 - as it is said
    ),
    "It is asked only whether there is any.": (
        "ops/store/cancellations.py: syncs WHERE id = ? AND ended_at IS NOT NULL UNION ALL SELECT 1 FROM backups WHERE id = ? AND ended_at I => syncs WHERE id = ? AND ended_at IS NOT NULL UNION SELECT 1 FROM backups WHERE id = ? AND ended_at I",  # noqa: E501 - as it is said
    ),
}
EQUIVALENT = {name: reason for reason, names in _BY_REASON.items() for name in names}
