"""What people are told of runs that can be undone: which there are, what they keep, and how putting back ended."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from core.reply import OUTCOMES, Button, Confirm, Part, Reply, Row, Table, Text, Tone, Typed
from core.wording import clock_time, count, shown_path, size, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from core.sync.undo import ReplacedFile, ReplacedSize, UndoableRun, UndoResult

SHOWN = 20


def runs_reply(
    site: str,
    runs: Sequence[tuple[ReplacedSize, UndoableRun]],
    silent: Sequence[tuple[str, str]],
    timezone: str,
    keep: timedelta,
) -> Reply:
    """Return the runs of which something is kept. silent: servers that could not be asked, with the reason."""
    rows = tuple(
        Row((run.id, clock_time(run.begun_at, timezone), run.server, run.did, kept.words, _day(run, keep, timezone)))
        for kept, run in runs[:SHOWN]
    )
    columns = ("run", "when", "on", "what it did", "kept", "until")
    parts: list[Part] = [Table(columns, rows, left_out=len(runs) - len(rows))] if rows else []
    parts += [Text(f"{server} could not be asked: {why}.", Tone.WARN) for server, why in silent]
    if rows:
        parts.append(Text("What one keeps, and what putting it back would do:"))
        parts.append(Typed(f"sync --undo {runs[0][1].id} --dry-run"))
    what = f"something is kept of {count(len(runs), 'run')}" if runs else "nothing is kept of any run"
    return Reply(
        title=f"{site}: {what}",
        parts=tuple(parts),
        tone=Tone.WARN if silent else Tone.PLAIN,
        facts={
            "site": site,
            "runs": [
                {
                    "run": run.id,
                    "begun_at": stamp(run.begun_at),
                    "server": run.server,
                    "did": run.did,
                    "files": kept.files,
                    "size_bytes": kept.size_bytes,
                    "kept_until": stamp(run.begun_at + keep),
                }
                for kept, run in runs
            ],
            "not_asked": [server for server, _ in silent],
        },
    )


def listing_reply(
    run: UndoableRun,
    files: Sequence[ReplacedFile],
    number: int,
    size_bytes: int,
    paths: Sequence[bytes],
    what_next: str,
) -> Reply:
    """Return what would be put back, with a button that does it. number, size_bytes: of all, not only of `files`."""
    rows = tuple(Row((one.kind, size(one.size_bytes), one.shown)) for one in files[:SHOWN])
    total = f"{count(number, 'file')}, {size(size_bytes)}"
    line = shlex.join(["sync", "--undo", run.id, *(["--", *map(_typed, paths)] if paths else [])])
    confirm = Confirm(
        title=f"Put back {count(number, 'file')}?",
        text=f"What {run.site} has at these paths on {run.server} stays recoverable. {what_next}",
        yes="Put back",
    )
    typable = all(_typed(path).encode() == path for path in paths)
    return Reply(
        title=f"{run.id} keeps {total} of {run.site} on {run.server}",
        parts=(Table(("kind", "size", "path"), rows, left_out=number - len(rows)), Text(what_next)),
        buttons=(Button("Put back", line, "primary", confirm),) if typable else (),
        facts={
            "run": run.id,
            "site": run.site,
            "server": run.server,
            "files": number,
            "size_bytes": size_bytes,
            "paths": [{"kind": one.kind, "size_bytes": one.size_bytes, "path": one.shown} for one in files],
        },
    )


def done_reply(run: UndoableRun, own: str, ended: UndoResult, what_next: str) -> Reply:
    """Return how putting back ended. own: the run that it was."""
    parts: list[Part] = []
    if ended.trouble is not None:
        title = f"Nothing of {run.id} was put back on {run.server}: {ended.trouble.message}"
        parts.append(Text(ended.trouble.hint))
    else:
        same = f", {ended.same:,} of them were there already" if ended.same else ""
        title = f"{count(ended.files, 'file')} of {run.site} put back on {run.server}{same}"
        title += f"; {ended.left:,} not" if ended.left else ""
        parts += _not_put_back(ended)
        parts.append(Text(what_next))
        if ended.files > ended.same:
            parts += [Text("What was there before is kept; this takes it back:"), Typed(f"sync --undo {own}")]
    return Reply(
        title=title,
        parts=tuple(parts),
        tone=OUTCOMES[ended.outcome].tone,
        facts={
            "run": own,
            "undoes": run.id,
            "site": run.site,
            "server": run.server,
            "outcome": ended.outcome,
            "files": ended.files,
            "same": ended.same,
            "left": ended.left,
            "behind_links": [shown_path(path) for path in ended.linked],
            "failed": [shown_path(path) for path in ended.failed],
        },
        exit_code=OUTCOMES[ended.outcome].exit_code,
    )


def what_next(server: str, *, served: bool, next_at: datetime | None, timezone: str) -> str:
    """Say what becomes of it: the site is served from there, or the next sync takes it away again."""
    if served:
        return f"It is served from {server}: visitors see it at once."
    when = f"at {clock_time(next_at, timezone)}" if next_at is not None else "whenever it is asked for"
    return f"{server} holds a copy: the next sync, {when}, makes it like the served one again."


def _not_put_back(ended: UndoResult) -> Iterator[Part]:
    rows = [("lies behind a symbolic link now", path) for path in ended.linked]
    rows += [("could not be put back", path) for path in ended.failed]
    if rows:
        shown = tuple(Row((why, shown_path(path)), Tone.WARN) for why, path in rows[:SHOWN])
        yield Table(("why not", "path"), shown, left_out=ended.left - len(shown))
        yield Text("Asked for again, it continues with these.")


def _day(run: UndoableRun, keep: timedelta, timezone: str) -> str:
    return clock_time(run.begun_at + keep, timezone)[: len("2026-01-01")]


def _typed(path: bytes) -> str:
    return path.decode("utf-8", "replace")
