"""A Reply in the terminal: marks and words as well as colour, and no escape codes that did not come from us."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text as Line

from core.reply import Heading, Plot, Reply, Table, Text, Tone, Typed

if TYPE_CHECKING:
    from rich.console import RenderableType

    from core.errors import SharpnetError
    from core.reply import Part

WIDE = 200
BLOCKS = "▁▂▃▄▅▆▇█"
HOLE = "·"
MARKS = {
    Tone.PLAIN: ("", ""),
    Tone.GOOD: ("✓", "green"),
    Tone.WARN: ("!", "yellow"),
    Tone.BAD: ("✗", "bold red"),
    Tone.BUSY: ("…", "cyan"),
    Tone.UNKNOWN: ("?", "dim"),
}


def console_for(*, stderr: bool = False) -> Console:
    """Return a console that colours only a terminal, and does not fold lines where no terminal is."""
    console = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    return (
        console
        if console.is_terminal
        else Console(stderr=stderr, highlight=False, emoji=False, markup=False, width=WIDE, no_color=True)
    )


def write(reply: Reply, console: Console) -> None:
    """Write a reply; where no terminal is, without the blanks that fill its lines."""
    if console.is_terminal:
        console.print(renderable(reply))
        return
    with console.capture() as captured:
        console.print(renderable(reply))
    console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def write_line(text: str, console: Console) -> None:
    """Write one line that is never folded, so that a path in it can be copied."""
    console.print(Line(_clean(text)), soft_wrap=True)


def renderable(reply: Reply) -> RenderableType:
    """Return a reply as rich draws it."""
    mark, style = MARKS[reply.tone]
    title = Line(f"{mark} {_clean(reply.title)}".strip(), style=style or "bold")
    return Group(title, *(_part(part) for part in reply.parts))


def as_json(reply: Reply) -> str:
    """Return the facts of a reply as JSON; a reply without facts gives its title."""
    facts = dict(reply.facts) if reply.facts is not None else {"title": reply.title}
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    # Outside of its strings JSON has line ends and spaces alone: any other is in one, and may be written like this.
    return "".join(letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1] for letter in text)


def error_text(error: SharpnetError, problems: tuple[str, ...] = ()) -> Line:
    """Return an error as the terminal shows it: what happened, every problem, what to do next."""
    text = Line()
    text.append("✗ ", style="bold red")
    text.append(_clean(error.message), style="bold")
    text.append(f"  [{error.code}]", style="dim")
    for problem in problems:
        text.append(f"\n  {_clean(problem)}")
    if error.hint:
        text.append(f"\n  → {_clean(error.hint)}")
    return text


def _part(part: Part) -> RenderableType:
    match part:
        case Heading():
            return Line(f"\n{_clean(part.text)}", style="bold")
        case Text():
            mark, style = MARKS[part.tone]
            return Padding(Line(f"{mark} {_clean(part.text)}".strip(), style=style), (0, 0, 0, 2))
        case Typed():
            return Padding(Line(_clean(part.line), style="cyan"), (0, 0, 0, 4))
        case Table():
            return Padding(_table(part), (0, 0, 0, 2))
        case Plot():
            return Padding(_plot(part), (1, 0, 0, 2))


def _table(table: Table) -> RenderableType:
    grid = Grid(box=box.SIMPLE_HEAD if any(table.columns) else None, pad_edge=False, show_edge=False)
    marked = any(row.tone != Tone.PLAIN for row in table.rows)
    if marked:
        grid.add_column("")
    for column in table.columns:
        grid.add_column(_clean(column), overflow="fold")
    for row in table.rows:
        mark, style = MARKS[row.tone]
        cells = [Line(_clean(cell)) for cell in row.cells]
        grid.add_row(*([Line(mark, style=style), *cells] if marked else cells))
    if not table.left_out:
        return grid
    return Group(grid, Line(f"and {table.left_out:,} more", style="dim"))


def _plot(plot: Plot) -> RenderableType:
    columns = Line(overflow="crop", no_wrap=True)
    for height, tone in zip(plot.heights, plot.tones, strict=True):
        character = HOLE if height is None else BLOCKS[min(len(BLOCKS) - 1, int(height * len(BLOCKS)))]
        columns.append(character, style=MARKS[tone][1])
    return Group(Line(_clean(plot.title), style="bold"), columns, Line(_clean(plot.words)))


def _clean(text: str) -> str:
    """Return text without control characters: what a name server or a file says must not drive the terminal."""
    return "".join(
        char if char == "\n" or unicodedata.category(char) not in {"Cc", "Cf"} else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )
