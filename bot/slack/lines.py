"""The parts of a reply as lines for a phone: a table's rows become one line each, and what is too much is counted."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from bot.slack.escape import as_mrkdwn, clean, cut, escaped, one_line, strong
from commands import all_commands
from core.reply import Heading, Plot, Row, Table, Text, Tone, Typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from core.reply import Part

MOST_CELL = 240
MOST_COLUMNS = 12
MOST_TYPED = 1000
EMPTY_CELL = "-"
BETWEEN_CELLS = " · "
TERMINAL = "sharpnet"
QUANTITY = re.compile(r"([\d.,]+) ([a-z%]+)")


class ShownTone(NamedTuple):
    """How a tone is shown: a mark, a word for it, and what so many rows of it are called."""

    mark: str
    word: str
    counted: str


# Worst first. No mark is an emoji: Slack would draw those as pictures, and each phone its own. A screen reader says
# "check mark" by itself, and nothing or something odd for the other marks.
TONES: Mapping[Tone, ShownTone] = {
    Tone.BAD: ShownTone("✗", "Problem", "with a problem"),
    Tone.WARN: ShownTone("!", "Warning", "with a warning"),
    Tone.UNKNOWN: ShownTone("?", "Unknown", "unknown"),
    Tone.BUSY: ShownTone("↻", "Under way", "under way"),
    Tone.PLAIN: ShownTone("", "", "other"),
    Tone.GOOD: ShownTone("✓", "", "good"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line, or a paragraph: as mrkdwn, and as plain text. `marked` None: it can be shown as plain text only.

    apart: begins a new paragraph.
    """

    plain: str
    marked: str | None
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Fold:
    """How much of each part is shown: rows of a table, characters of a paragraph."""

    rows: int
    characters: int


def lines_of(parts: Sequence[Part], fold: Fold) -> Iterator[Line]:
    """Yield the lines of the parts, none of them empty."""
    headed = False
    for part in parts:
        match part:
            case Heading():
                yield from _heading(part)
            case Text():
                yield from _text(part, fold, apart=not headed)
            case Table():
                yield from _table(part, fold, apart=not headed)
            case Typed():
                yield from _typed(part)
            case Plot():
                yield from _text(Text(f"{part.title}: {part.words}"), fold, apart=not headed)
        headed = isinstance(part, Heading)


def note(text: str) -> Line:
    """Return a line of our own words."""
    return Line(text, as_mrkdwn(text))


def _heading(part: Heading) -> Iterator[Line]:
    title = cut(one_line(part.text), MOST_CELL)
    if title:
        yield Line(title, strong(title), apart=True)


def _text(part: Text, fold: Fold, *, apart: bool) -> Iterator[Line]:
    text = clean(part.text).strip("\n ")
    if not text:
        return
    left_out = len(text) - fold.characters
    if left_out > 0:
        text = text[: fold.characters].rstrip() + f"… ({left_out:,} characters more)"
    mark, word, _ = TONES[part.tone]
    lead, between = f"{mark} {word}".strip(), ": " if word else " "
    if not lead:
        yield Line(text, as_mrkdwn(text), apart=apart)
        return
    marked = as_mrkdwn(text)
    yield Line(f"{lead}{between}{text}", None if marked is None else f"{lead}{between}{marked}")


def _typed(part: Typed) -> Iterator[Line]:
    line = _as_typed_here(one_line(part.line))
    if line and len(line) <= MOST_TYPED:
        yield Line(line, None if "`" in line else f"`{escaped(line)}`")
    elif line:
        yield note(f"(a line of {len(line):,} characters to type is too long to show here)")


def _as_typed_here(line: str) -> str:
    words = line.split()
    command = all_commands().get(words[1]) if len(words) > 1 and words[0] == TERMINAL else None
    return f"/{line}" if command is not None and "slack" in command.places else line


def _table(table: Table, fold: Fold, *, apart: bool) -> Iterator[Line]:
    # Counted once, and not by a call for each row: a fleet has ten thousand, and this runs on the bot's loop.
    tally = Counter(map(attrgetter("tone"), table.rows))
    shown = _worst(table.rows, tally, fold.rows)
    legend = BETWEEN_CELLS.join(cut(one_line(name), MOST_CELL) for name in table.columns[:MOST_COLUMNS] if name.strip())
    if legend and shown:
        marked = as_mrkdwn(legend)
        yield Line(legend, f"_{marked}_" if marked is not None and "`" not in marked else None, apart=apart)
    for row in shown:
        yield _row(row)
    hidden = len(table.rows) - len(shown)
    if hidden + table.left_out > 0:
        yield note(_rest(table, tally, shown, hidden))


def _worst(rows: Sequence[Row], tally: Mapping[Tone, int], most: int) -> Sequence[Row]:
    """Return at most so many rows in their order: all of the worst tone, then of the next, the first of each."""
    if len(rows) <= most:
        return rows
    places: dict[Tone, int] = {}
    left = most
    for tone in TONES:
        places[tone] = min(left, tally[tone])
        left -= places[tone]
    chosen: list[Row] = []
    for row in rows:
        if places[row.tone]:
            places[row.tone] -= 1
            chosen.append(row)
            if len(chosen) == most:
                break
    return chosen


def _rest(table: Table, tally: Counter[Tone], shown: Sequence[Row], hidden: int) -> str:
    text = f"… and {hidden + table.left_out:,} more"
    if not hidden or not shown:
        return text
    rest = tally - Counter(row.tone for row in shown)
    if set(rest) <= {Tone.PLAIN}:
        return text
    kinds = [f"{rest[tone]:,} {shown_as.counted}" for tone, shown_as in TONES.items() if rest[tone] > 0]
    if table.left_out:
        kinds.append(f"{table.left_out:,} not looked at here")
    return f"{text}: {', '.join(kinds)}"


def _row(row: Row) -> Line:
    cells = [_cell(text) for text in row.cells[:MOST_COLUMNS]]
    while cells and not cells[-1]:
        cells.pop()
    name, rest = (cells[0], cells[1:]) if cells else ("", [])
    mark, word, _ = TONES[row.tone]
    lead = f"{mark} {word}: " if word and not rest else f"{mark} " if mark else ""
    tail = "".join(BETWEEN_CELLS + (cell or EMPTY_CELL) for cell in rest)
    plain = f"{lead}{name or EMPTY_CELL}{tail}"
    name_marked = strong(name) if name else EMPTY_CELL
    tail_marked = as_mrkdwn(tail)
    if name_marked is None or tail_marked is None:
        return Line(plain, None)
    return Line(plain, f"{lead}{name_marked}{tail_marked}")


def _cell(text: str) -> str:
    cell = cut(one_line(text), MOST_CELL)
    # A unit alone on the next line reads badly.
    return cell.replace(" ", "\u00a0") if QUANTITY.fullmatch(cell) else cell
