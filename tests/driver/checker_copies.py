"""What must hold of copies: none gets older by itself, what is restored is what was approved, and nothing is lost."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from driver.history import histories

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driver.history import Copy, Look, Seen

# What changes a copy, by how the kind of its entry begins.
COPYING = ("sync.", "keep.", "undo.", "backup-restore.")


class Restored(NamedTuple):
    """What a plan has restored, or tried to: which copy, from which snapshot, between which entries (None: no end)."""

    plan: str
    site: str
    server: str
    snapshot: str
    begun: int
    ended: int | None
    outcome: str

    def may_have_been(self, before: Look, after: Look) -> bool:
        """Return whether it was under way between two looks."""
        return self.begun <= after.entries and (self.ended is None or self.ended > before.entries)


def older_than_before(seen: Seen) -> Iterator[str]:
    """See that no copy is ever older than it was, but where somebody has chosen that, or had a backup restored.

    What was restored where a site is served goes on to its mirrors.
    """
    restores = _restores(seen)
    for before, after in pairwise(seen.looks):
        for copy, version in after.versions.items():
            site, server = copy
            served = server in {before.served.get(site), after.served.get(site)}
            here = {seen.saved.get(one.snapshot) for one in _under_way(restores, copy, before, after)}
            follows = not served and copy not in before.quarantined
            carried = {seen.saved.get(one.snapshot) for one in restores if follows and one.site == site}
            chosen = not served and site in after.choosing
            if version < before.versions[copy] and not chosen and version not in here | carried:
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
            missing = before[-1].notes.get((site, source), frozenset()) - after.notes.get((site, target), frozenset())
            kept = any(
                entry.kind == "quarantine.begun" and (entry.subject, entry.body["server"]) == (site, source)
                for entry in seen.record[history.begun : after.entries]
            )
            if before[-1].served.get(site) != source or kept:
                continue
            if now < was:
                yield f"plan {plan} moved {site} to a copy of {now}, where {was} was served"
            if missing:
                yield f"plan {plan} moved {site} to a copy without {', '.join(sorted(missing))}"


def restored_otherwise(seen: Seen) -> Iterator[str]:
    """See that what a plan has put in place is what the backup holds that was approved."""
    for one in _restores(seen):
        after = next((look for look in seen.looks if one.ended is not None and look.entries >= one.ended), None)
        if after is None or one.ended is None or one.outcome != "done" or not one.begun:
            continue
        since = seen.record[one.ended : after.entries]
        changed = any(entry.subject == one.site and entry.kind.startswith(COPYING) for entry in since)
        now, saved = after.versions[one.site, one.server], seen.saved[one.snapshot]
        if now != saved and not changed and (one.site, one.server) not in after.written:
            yield f"plan {one.plan} restored {saved} of {one.site} on {one.server}, and {now} is there"


def lost(seen: Seen) -> Iterator[str]:
    """See that what was ever written is somewhere: in a copy, or kept aside."""
    for site, notes in seen.notes.items():
        for note in sorted(notes - seen.anywhere.get(site, frozenset())):
            yield f"{note} of {site} is nowhere any more"


def gone_where_served(seen: Seen) -> Iterator[str]:
    """See that a copy that is served keeps what it has, but where a backup was restored over it."""
    restores = _restores(seen)
    for before, after in pairwise(seen.looks):
        for copy, notes in after.notes.items():
            site, server = copy
            gone = before.notes[copy] - notes
            served = before.served.get(site) == after.served.get(site) == server
            if served and gone and not _under_way(restores, copy, before, after):
                yield f"the copy of {site} on {server} is served and has lost {', '.join(sorted(gone))}"


def not_kept(seen: Seen) -> Iterator[str]:
    """See that whatever somebody has chosen to keep is where the site is served once that has gone well."""
    for number, entry in enumerate(seen.record, start=1):
        if entry.kind != "keep.ended":
            continue
        run = entry.body["run"]
        begun = [one.seq for one in seen.record[:number] if one.kind == "keep.begun" and one.body["run"] == run]
        before = [look for look in seen.looks if begun and look.entries < begun[0]]
        after = next((look for look in seen.looks if look.entries >= number), None)
        if not before or after is None:
            continue
        site, returned, active = entry.subject, str(entry.body["returned"]), str(entry.body["server"])
        missing = before[-1].notes[site, returned] - after.notes[site, active]
        if missing:
            yield f"{', '.join(sorted(missing))} of {site} was chosen from {returned}, and is not on {active}"


def touched_in_quarantine(seen: Seen) -> Iterator[str]:
    """See that a quarantined copy stays as it is until somebody has chosen, restored or written to it."""
    restores = _restores(seen)
    for before, after in pairwise(seen.looks):
        for copy in before.quarantined & after.quarantined:
            site, server = copy
            was, now = (before.versions[copy], before.notes[copy]), (after.versions[copy], after.notes[copy])
            ended = any(
                entry.kind == "quarantine.ended" and (entry.subject, entry.body["server"]) == copy
                for entry in seen.record[before.entries : after.entries]
            )
            touched = ended or copy in after.written or site in after.choosing
            if was != now and not touched and not _under_way(restores, copy, before, after):
                yield f"the copy of {site} on {server} is quarantined, and is no longer what it was"


RULES: tuple[Callable[[Seen], Iterator[str]], ...] = (
    older_than_before,
    left_behind_by_plan,
    restored_otherwise,
    lost,
    gone_where_served,
    not_kept,
    touched_in_quarantine,
)


def _restores(seen: Seen) -> list[Restored]:
    """Return every restore that was begun; of those that the store has lost only that they were."""
    found = []
    here = histories(seen.record)
    for plan, history in histories(seen.happened).items():
        restore = history.restore
        if restore is None or not history.first:
            continue
        step = f"restore {restore['site']}"
        known = here[plan] if plan in here and step in here[plan].first else None
        outcome, ended = known.ended.get(step, ("", None)) if known is not None else ("", 0)
        begun = known.first[step] if known is not None else 0
        copy = restore["site"], restore["server"]
        found.append(Restored(plan, *copy, restore["full_id"], begun, ended, outcome))
    return found


def _under_way(restores: list[Restored], copy: Copy, before: Look, after: Look) -> list[Restored]:
    return [one for one in restores if (one.site, one.server) == copy and one.may_have_been(before, after)]
