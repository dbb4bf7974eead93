"""What a command answers, and what a card shows: knows neither Slack nor a terminal.

All text is plain: whoever renders it escapes it. Each text is one line of letters that only show, whatever it quotes:
that is seen to here, once for Slack, the terminal and all other ways. A button is a command line that pressing types
for the person, so that every button has its typed twin by construction, with the same checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from core.wording import count, listing, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

Json = object
T = TypeVar("T")

MOST_BUSY = 20


class Tone(StrEnum):
    """How a line is meant; rendered as a mark and a word, never as a colour alone."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    BUSY = "busy"
    UNKNOWN = "unknown"


class Ending(NamedTuple):
    """What the end of work on a site means: 0 for the worst, how its line is meant, what the terminal ends with."""

    rank: int
    tone: Tone
    exit_code: int


OUTCOMES = {
    "differs": Ending(0, Tone.BAD, 1),
    "failed": Ending(1, Tone.BAD, 1),
    "refused": Ending(2, Tone.WARN, 3),
    "in part": Ending(3, Tone.WARN, 1),
    "good": Ending(4, Tone.GOOD, 0),
}


def _shown(value: object, *names: str) -> None:
    """Make the texts of these fields printable."""
    for name in names:
        text = getattr(value, name)
        if text is not None and not text.isprintable():
            object.__setattr__(value, name, printable(text))


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str
    tone: Tone = Tone.PLAIN

    def __post_init__(self) -> None:
        _shown(self, "text")


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of the parts that follow."""

    text: str

    def __post_init__(self) -> None:
        _shown(self, "text")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; `cells` has as many texts as the table has columns."""

    cells: tuple[str, ...]
    tone: Tone = Tone.PLAIN

    def __post_init__(self) -> None:
        # A fleet has ten thousand rows, and next to none has anything to be mended.
        if not "".join(self.cells).isprintable():
            object.__setattr__(self, "cells", tuple(map(printable, self.cells)))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns. `left_out` rows more exist that are not here."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: int = 0


def first_rows(columns: tuple[str, ...], items: Sequence[T], row: Callable[[T], Row], most: int) -> Table:
    """Return a table of the first `most` of `items`, the rest counted."""
    return Table(columns, tuple(row(item) for item in items[:most]), max(0, len(items) - most))


@dataclass(frozen=True, slots=True)
class Typed:
    """A line to type in the terminal, shown so that it can be copied."""

    line: str

    def __post_init__(self) -> None:
        _shown(self, "line")


@dataclass(frozen=True, slots=True)
class Plot:
    """Columns over time, oldest first: each a share of the full height, None where nothing was observed, and its tone.

    words: what the columns say, with figures, for whoever does not see them.
    """

    title: str
    words: str
    heights: tuple[float | None, ...]
    tones: tuple[Tone, ...]

    def __post_init__(self) -> None:
        _shown(self, "title", "words")


Part = Text | Heading | Table | Typed | Plot


@dataclass(frozen=True, slots=True)
class Confirm:
    """What is asked before a button counts: the consequence in words."""

    title: str
    text: str
    yes: str
    no: str = "Not now"

    def __post_init__(self) -> None:
        _shown(self, "title", "text", "yes", "no")


@dataclass(frozen=True, slots=True)
class Button:
    """A press types `line` (a command without its `/sharpnet`) for the person who presses.

    asks: a question that is put first, whose answer becomes the last word of the line; None: there is none. The line
    itself is left as it is: it is compared with what was typed, and one that is not printable is on no button.
    """

    label: str
    line: str
    weight: str = "plain"
    confirm: Confirm | None = None
    asks: str | None = None

    def __post_init__(self) -> None:
        _shown(self, "label", "asks")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer or a card.

    title: the whole fact in one line, with its numbers: the push notification, and what a screen reader says.
    facts: the same as plain JSON values, for `--json`; None where the command has no such form.
    exit_code: what the terminal ends with. card: the key of the card in the ops channel that shows this; Slack then
    points to it instead of repeating it.
    """

    title: str
    parts: tuple[Part, ...] = ()
    buttons: tuple[Button, ...] = ()
    tone: Tone = Tone.PLAIN
    facts: Mapping[str, Json] | None = None
    exit_code: int = 0
    card: str | None = None

    def __post_init__(self) -> None:
        _shown(self, "title")


def hint_texts(hints: Iterable[tuple[str, str, Tone]], *, named: bool, most: int = 5) -> Iterator[Text]:
    """Say each of (site, hint, tone) once, in their order, with the first sites that it is about; empty ones are none.

    named: whether there are several sites, so that each hint has to say which. most: so many hints are said.
    """
    about: dict[str, list[tuple[str, Tone]]] = {}
    for site, hint, tone in hints:
        if hint:
            about.setdefault(hint, []).append((site, tone))
    for hint, sites in list(about.items())[:most]:
        names = f"{listing([site for site, _ in sites], 3)}: " if named else ""
        yield Text(f"{names}{hint}", sites[0][1])


def progress_of(what: tuple[str, str], verb: str, columns: tuple[str, ...], steps: Sequence[tuple[str, ...]]) -> Reply:
    """Say how many of `what` (one, many) are done, and show those under way; the last text of a step: how far it is."""
    done = sum(step[-1] == "done" for step in steps)
    busy = [step for step in steps if step[-1] not in ("waiting", "done")]
    table = first_rows(columns, busy, lambda step: Row(step, Tone.BUSY), MOST_BUSY)
    return Reply(f"{done:,} of {count(len(steps), *what)} {verb}", (table,), tone=Tone.BUSY)
