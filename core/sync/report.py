"""What `sync` answers: one row a copy, what to do about trouble, and what a dry run found."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING

from core.reply import OUTCOMES, Button, Confirm, Heading, Part, Reply, Row, Table, Text, Tone, first_rows, hint_texts
from core.wording import count, listing, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.sync.result import SyncProgress, SyncResult
    from core.sync.rsync_output import PathChange

MOST_ROWS = 20
MOST_HINTS = 5
# Short enough for a phone, beside the figures.
BAR = 12
_CANCEL = Confirm("Cancel this sync?", "The copy stays as it was, or is whole.", yes="Yes, end it")
_SIGNS = {"created": "new", "changed": "changed", "attributes": "mode or owner", "deleted": "deleted"}


def report(results: Sequence[SyncResult], alone: Sequence[str], *, dry_run: bool) -> Reply:
    """Return what to say about `results`. `alone`: the sites that keep no copy elsewhere and were left alone."""
    outcomes = Counter[str](result.outcome for result in results)
    ordered = sorted(results, key=lambda result: OUTCOMES[result.outcome].rank)
    parts: list[Part] = []
    if len(results) > 1:
        parts.append(first_rows(("site", "copy", "result"), ordered, _result_row, MOST_ROWS))
    hints = ((one.site, _hint(one), OUTCOMES[one.outcome].tone) for one in ordered)
    parts += hint_texts(hints, named=len(ordered) > 1)
    remarks = [
        remark for one in ordered for remark in (*one.remarks, *(note for copy in one.databases for note in copy.notes))
    ]
    parts += [Text(remark, Tone.WARN) for remark in remarks[:MOST_HINTS]]
    if dry_run and len(results) == 1:
        parts += _differences(results[0])
    if alone:
        parts.append(Text(f"{count(len(alone), 'site')} without a copy elsewhere: {listing(tuple(alone))}."))
    worst = ordered[0].outcome if ordered else "good"
    return Reply(
        title=_title(results, outcomes, dry_run=dry_run),
        parts=tuple(parts),
        buttons=tuple(_buttons(results[0])) if dry_run and len(results) == 1 else (),
        tone=OUTCOMES[worst].tone,
        facts={
            "results": [_facts(result) for result in results],
            **{outcome: outcomes[outcome] for outcome in ("good", "refused", "failed")},
            "without_copy": list(alone),
        },
        exit_code=OUTCOMES[worst].exit_code,
    )


def _result_row(one: SyncResult) -> Row:
    return Row((one.site, f"{one.source} → {one.mirror}", one.summary), OUTCOMES[one.outcome].tone)


def progress_reply(running: Sequence[SyncProgress], *, dry_run: bool = False) -> Reply:
    """Return how far everything is, in one line; with the last site that is copied comes the button that ends that."""
    done = sum(one.doing == "done" for one in running)
    total_bytes = sum(one.total_bytes or 0 for one in running)
    done_bytes = sum(min(one.done_bytes, one.total_bytes or 0) for one in running)
    copied = f", {size(done_bytes)} of {size(total_bytes)}" if total_bytes else ""
    title = f"{_bar(done, len(running))} {done:,} of {count(len(running), 'copy', 'copies')} done{copied}"
    left = set() if dry_run else {one.site for one in running if one.doing != "done"}
    buttons = tuple(Button("Cancel", f"cancel {shlex.quote(site)}", confirm=_CANCEL) for site in left)
    return Reply(title=title, parts=(), buttons=buttons if len(left) == 1 else (), tone=Tone.BUSY)


def _bar(done: int, total: int) -> str:
    filled = BAR * done // max(1, total)
    return "█" * filled + "░" * (BAR - filled)


def _title(results: Sequence[SyncResult], outcomes: Counter[str], *, dry_run: bool) -> str:
    if not results:
        return "There is nothing to copy"
    if len(results) == 1:
        one = results[0]
        way = f"from {one.source} to {one.mirror}: {one.summary}"
        if one.outcome == "good":
            return f"{one.site}, {'dry run, ' if dry_run else ''}{way}"
        return f"{one.site} {'was not' if one.outcome == 'refused' else 'could not be'} copied {way}"
    what = "would go well" if dry_run else "are fresh"
    bad = [f"{outcomes[outcome]:,} {outcome}" for outcome in ("refused", "failed") if outcomes[outcome]]
    return ", ".join([f"{outcomes['good']:,} of {count(len(results), 'copy', 'copies')} {what}", *bad])


def _hint(result: SyncResult) -> str:
    hint = result.trouble.hint if result.trouble is not None else ""
    return hint or (f"Copied {result.note}." if result.note else "")


def _differences(result: SyncResult) -> Iterator[Part]:
    if result.changes:
        rows = tuple(_row(change) for change in result.changes)
        more = result.files + result.deleted - sum(not change.is_folder for change in result.changes)
        yield Table(("change", "path"), rows, left_out=max(0, more))
    if result.newer:
        yield Heading(f"Newer on {result.mirror} than on {result.source}")
        yield Table(("path",), tuple(Row((change.shown,), Tone.WARN) for change in result.newer))


def _row(change: PathChange) -> Row:
    return Row((_SIGNS[change.kind], change.shown), Tone.WARN if change.kind == "deleted" else Tone.PLAIN)


def _buttons(result: SyncResult) -> Iterator[Button]:
    line = f"sync {shlex.quote(result.site)} --to {result.mirror}"
    if result.quarantined and result.outcome == "good":
        yield Button(
            f"Overwrite the copy on {result.mirror}",
            f"{line} --take-active",
            "danger",
            Confirm(
                title=f"Overwrite the copy on {result.mirror}?",
                text=f"It becomes what {result.source} has. Its extra files stay recoverable there. "
                "The quarantine ends.",
                yes="Overwrite",
            ),
        )
    elif result.changed and result.outcome == "good":
        yield Button("Sync now", line, "primary")


def _facts(result: SyncResult) -> dict[str, object]:
    facts = dict(result.facts)
    if result.dry_run:
        facts["changes"] = [
            {"kind": str(one.kind), "path": one.shown, "size_bytes": one.size_bytes} for one in result.changes
        ]
        facts["newer_there"] = [one.shown for one in result.newer]
    return facts
