"""What `failback` shows of returned copies: what they have that the served ones have not, and the choices."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from core.failback.compare import DifferenceKind
from core.failure import Failure
from core.reply import Button, Confirm, Heading, Part, Reply, Row, Table, Text, Tone, Typed, first_rows, progress_of
from core.wording import clock_time, count, listing, size, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from core.databases.copies import DatabaseState
    from core.failback.compare import Comparison, File, FileTally, ReturnedCopy
    from core.fleet import Site

SHOWN = 20
MOST_ROWS = 20
MOST_KEEP_BUTTON = 5
MOST_HINTS = 5
MOST_NAMED = 5
# A typed line is read with these as what phones make them of: a name that holds one cannot be typed in a chat.
MENDED = frozenset("\u201c\u201d\u2018\u2019\u2014\xa0")


def report(comparisons: Sequence[Comparison], asked: str, away: Sequence[Site], timezone: str, now: datetime) -> Reply:
    """Return what to say of returned copies. asked: the names as typed. away: reconciled sites that may go home."""
    ordered = sorted(comparisons, key=_badness)
    alone = len(ordered) == 1
    parts = list(_details(ordered[0], timezone, now) if alone else _rows(ordered))
    if not alone:
        parts += [
            Text("Overwrite all returned copies:"),
            Typed(f"sharpnet failback {asked} --take-active"),
        ]
    if away:
        parts.append(Text(_can_go_home(away)))
    return Reply(
        title=_title_of_one(ordered[0]) if alone else _title_of_many(ordered),
        parts=tuple(parts),
        buttons=tuple(_choices(ordered[0]) if alone else _choices_of_many(ordered, asked)),
        tone=_tone(ordered[0]),
        facts={
            "copies": [_facts(one) for one in comparisons],
            "can_go_home": [site.name for site in away],
        },
        exit_code=max((_exit_code(one) for one in ordered), key=(0, 3, 1).index),
    )


def _can_go_home(away: Sequence[Site]) -> str:
    names = [site.name for site in away]
    can = f"{count(len(away), 'site')} can go home: {listing(names)}."
    if len(away) > MOST_NAMED:
        return f"{can} Reconcile the others first, and the same line again plans it for all."
    return f"{can} `{shlex.join(['failback', *names])}` plans it."


def progress_reply(doing: Sequence[tuple[ReturnedCopy, str]]) -> Reply:
    """Return how far the comparisons are: each copy, and what is done with it."""
    steps = [(copy.site.name, copy.server, step) for copy, step in doing]
    return progress_of(("copy", "copies"), "compared", ("site", "returned", "now"), steps)


def _badness(one: Comparison) -> tuple[int, int, int, str]:
    return 0 if one.trouble is not None else 1, -one.at_risk.files, -one.more, one.returned.site.name


def _tone(one: Comparison) -> Tone:
    if one.trouble is not None:
        return Tone.WARN if one.trouble.refused else Tone.BAD
    return Tone.WARN if one.at_risk.files or one.more or one.databases else Tone.GOOD


def _exit_code(one: Comparison) -> int:
    return 0 if one.trouble is None else 3 if one.trouble.refused else 1


def _title_of_one(one: Comparison) -> str:
    site, there, here = one.returned.site.name, one.returned.server, one.returned.active
    if one.trouble is not None:
        return f"{site}: {there} and {here} could not be compared: {one.trouble.message}"
    if one.at_risk.files:
        verb = "is" if one.at_risk.files == 1 else "are"
        return f"{site}: {_words(one.at_risk)} on {there} {verb} missing or older on {here}"
    if one.more:
        return f"{site}: more than {sum(tally.files for tally in one.tallies.values()):,} files differ"
    return f"{site}: no file on {there} is missing or older on {here}"


def _title_of_many(ordered: Sequence[Comparison]) -> str:
    risky = sum(bool(one.at_risk.files) for one in ordered)
    lost = sum(one.trouble is not None for one in ordered)
    said = [f"{risky:,} with files that the served copy lacks or has older"] if risky else []
    said += [f"{lost:,} not compared"] if lost else []
    good = len(ordered) - risky - lost
    said += [f"{good:,} with no extra files"] if good else []
    return f"{count(len(ordered), 'returned copy', 'returned copies')}: {', '.join(said)}"


def _words(tally: FileTally) -> str:
    return f"{count(tally.files, 'file')} ({size(tally.size_bytes)})"


def _rows(ordered: Sequence[Comparison]) -> Iterator[Part]:
    columns = ("site", "returned, served", "only returned or newer there", "newer where served")
    yield first_rows(columns, ordered, lambda one: Row(_cells(one), _tone(one)), MOST_ROWS)
    hints = dict.fromkeys(one.trouble.hint for one in ordered if one.trouble is not None and one.trouble.hint)
    for hint in list(hints)[:MOST_HINTS]:
        yield Text(hint)
    with_databases = [one.returned.site.name for one in ordered if one.returned.site.databases]
    if with_databases:
        yield Text(f"With databases, which are not compared: {listing(with_databases)}.", Tone.WARN)
    first = shlex.quote(ordered[0].returned.site.name)
    yield Text(f"One site with its files: `failback {first}`.")


def _cells(one: Comparison) -> tuple[str, ...]:
    way = f"{one.returned.server}, {one.returned.active}"
    if one.trouble is not None:
        return one.returned.site.name, way, one.trouble.message, ""
    newer_here = {DifferenceKind.NEWER_ACTIVE, DifferenceKind.ONLY_ACTIVE}
    newer = sum(tally.files for found, tally in one.tallies.items() if found in newer_here)
    more = f" and {one.more:,} more" if one.more else ""
    return one.returned.site.name, way, _words(one.at_risk) if one.at_risk.files else "none", f"{newer:,}{more}"


def _details(one: Comparison, timezone: str, now: datetime) -> Iterator[Part]:
    there, here = one.returned.server, one.returned.active
    since = clock_time(one.returned.since_at, timezone, now)
    yield Text(f"Served from {here}. The copy on {there} is in quarantine since {since}: {one.returned.why}.")
    if one.trouble is not None:
        yield Text(one.trouble.hint or "Nothing was changed.", Tone.WARN)
        return
    if not one.returned_files:
        yield Text(f"{there} has no files there at all: is its disk mounted?", Tone.BAD)
    signs = {
        DifferenceKind.ONLY_RETURNED: f"only on {there}",
        DifferenceKind.NEWER_RETURNED: f"newer on {there}",
        DifferenceKind.SAME_TIME: "same time, other bytes",
        DifferenceKind.NEWER_ACTIVE: f"newer on {here}",
        DifferenceKind.ONLY_ACTIVE: f"only on {here}",
        DifferenceKind.ATTRIBUTES: "mode, owner or time only",
    }
    rows = tuple(
        Row((signs[found], f"{tally.files:,}", size(tally.size_bytes)), Tone.WARN if found.at_risk else Tone.PLAIN)
        for found in DifferenceKind
        if (tally := one.tallies.get(found)) is not None
    )
    if rows:
        yield Table(("differs", "files", "size"), rows, left_out=one.more)
    if one.risky:
        yield Heading(f"Only or newer on {there}")
        shown = tuple(
            Row(
                (file.shown, signs[file.found], size(file.size_bytes), clock_time(file.written_at, timezone)), Tone.WARN
            )
            for file in one.risky[:SHOWN]
        )
        yield Table(("path", "what", "size", "written"), shown, left_out=one.at_risk.files - len(shown))
    yield from _remarks(one)


def _remarks(one: Comparison) -> Iterator[Part]:
    there, here, site = one.returned.server, one.returned.active, one.returned.site
    if one.databases:
        rows = tuple(
            Row((sides.database.name, _database_words(sides.returned), _database_words(sides.active)), Tone.WARN)
            for sides in one.databases
        )
        yield Table(("database", f"on {there}", f"on {here}"), rows)
        yield Text("Which rows differ cannot be told: databases are never merged, and --keep brings none.", Tone.WARN)
    if site.exclude:
        yield Text(f"What app.yaml excludes is not compared and stays where it is: {listing(list(site.exclude))}.")
    if not one.every_byte:
        yield Text("Files of the same size and time count as the same; --checksum reads them all.")
    yield Text(f"Overwrite the copy on {there}, or first publish what you need of it, a file or a folder each:")
    yield Typed(f"sharpnet {_line(one)} --take-active")
    yield Typed(f"sharpnet {_line(one)} --keep=PATH --keep=PATH")


def _database_words(side: DatabaseState | Failure) -> str:
    if isinstance(side, Failure):
        return f"not known: {side.message}"
    return f"{count(len(side.tables), 'table')}, {size(side.size_bytes)}" if side.exists else "not there"


def _database_facts(side: DatabaseState | Failure) -> dict[str, object]:
    if isinstance(side, Failure):
        return side.facts
    return {"exists": side.exists, "tables": len(side.tables), "size_bytes": side.size_bytes}


def _line(one: Comparison) -> str:
    return f"failback {shlex.quote(one.returned.site.name)} --from {one.returned.server}"


def _choices(one: Comparison) -> Iterator[Button]:
    if one.trouble is not None:
        yield Button("Compare again", _line(one))
        return
    there, here = one.returned.server, one.returned.active
    typable = [file for file in one.risky if file.shown.encode() == file.path and not MENDED & {*file.shown}]
    if 0 < len(typable) == one.at_risk.files <= MOST_KEEP_BUTTON:
        line = " ".join([_line(one), *(shlex.quote(f"--keep={file.shown}") for file in typable)])
        text = (
            f"{listing([file.shown for file in typable])} of {there} go live on {here} now; what they replace stays "
            f"recoverable. Then the copy on {there} is overwritten with that of {here}."
        )
        label = f"Publish {count(len(typable), 'file')}"
        yield Button(label, line, "primary", Confirm(f"Publish files from {there}?", text, "Publish"))
    yield Button(f"Overwrite the copy on {there}", f"{_line(one)} --take-active", "danger", _confirm_taking(one))


def _confirm_taking(one: Comparison) -> Confirm:
    there, here = one.returned.server, one.returned.active
    extra = f"{_words(one.at_risk)}, missing or older on {here}," if one.at_risk.files else "Its files"
    return Confirm(
        title=f"Overwrite the copy on {there}?",
        text=f"It becomes what {here} has. {extra} stay recoverable on {there}. The quarantine ends.",
        yes="Overwrite",
    )


def _choices_of_many(ordered: Sequence[Comparison], asked: str) -> Iterator[Button]:
    fine = [one for one in ordered if one.trouble is None]
    if not fine:
        return
    files = sum(one.at_risk.files for one in fine)
    extra = f"{count(files, 'file')}, missing or older where served," if files else "Their files"
    yield Button(
        f"Overwrite {count(len(ordered), 'copy', 'copies')}",
        f"failback {asked} --take-active",
        "danger",
        Confirm(
            title="Overwrite the returned copies?",
            text=f"{count(len(ordered), 'returned copy becomes', 'returned copies become')} what is served. {extra} "
            "stay recoverable. The quarantines end.",
            yes="Overwrite",
        ),
    )


def _facts(one: Comparison) -> dict[str, object]:
    copy = one.returned
    facts: dict[str, object] = {
        "site": copy.site.name,
        "home": copy.site.home,
        "active": copy.active,
        "returned": copy.server,
        "quarantined_at": stamp(copy.since_at),
        "why": copy.why,
        "at_risk": one.at_risk.files,
        "at_risk_bytes": one.at_risk.size_bytes,
        "differences": {
            str(found): {
                "files": tally.files,
                "size_bytes": tally.size_bytes,
                "paths": [_file_facts(file) for file in one.files.get(found, ())],
            }
            for found, tally in one.tallies.items()
        },
        "not_looked_at": one.more,
        "every_byte": one.every_byte,
        "databases": [
            {
                "name": sides.database.name,
                "engine": sides.database.engine,
                "returned": _database_facts(sides.returned),
                "active": _database_facts(sides.active),
            }
            for sides in one.databases
        ],
    }
    if one.trouble is not None:
        facts["trouble"] = one.trouble.facts
    return facts


def _file_facts(file: File) -> dict[str, object]:
    return {
        "path": file.shown,
        "size_bytes": file.size_bytes,
        "returned_written_s": file.returned_s,
        "active_written_s": file.active_s,
    }
