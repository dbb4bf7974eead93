"""A reply as one Slack message: always valid, always within Slack's limits, readable on a phone.

What does not fit is left out with a count, the least troubled rows first. The top-level text carries the whole fact:
it is the push notification, and what a screen reader says.
"""

from __future__ import annotations

import json
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from bot.slack.escape import as_mrkdwn, clean, cut, escaped, one_line, strong
from bot.slack.lines import TONES, Fold, Line, lines_of, note
from core.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from core.reply import Button, Confirm, Reply

MOST_BLOCKS: Final = 50
# Slack refuses a message whose blocks are too long together, at a size that it does not state; about 13,000 was seen.
MOST_JSON: Final = 9500
MOST_JSON_OF_BUTTONS: Final = 5500
# Slack refuses a view above 250 kB.
MOST_HOME_BLOCKS: Final = 100
MOST_HOME_JSON: Final = 40_000
MOST_FOOTNOTE: Final = 200
MOST_TEXT: Final = 3500
MOST_SECTION: Final = 2900
MOST_HEADER: Final = 150
MOST_BUTTONS: Final = 10
BUTTONS_A_ROW: Final = 2
MOST_LABEL: Final = 75
MOST_VALUE: Final = 2000
MOST_QUESTION: Final = 150
MOST_CONFIRM_TITLE: Final = 100
MOST_CONFIRM_TEXT: Final = 300
MOST_CONFIRM_ANSWER: Final = 30

# From everything down to the least that still says something of each part; the first that fits is taken.
FOLDS: Final = (
    Fold(rows=60, characters=2800),
    Fold(rows=40, characters=2000),
    Fold(rows=25, characters=1200),
    Fold(rows=15, characters=700),
    Fold(rows=8, characters=400),
    Fold(rows=4, characters=250),
    Fold(rows=2, characters=150),
)
NO_TITLE: Final = "Sharpnet"
ACTION: Final = "line:"
ASKING: Final = "ask:"


def message_of(reply: Reply, *, footnote: str = "") -> tuple[str, list[Block]]:
    """Return the top-level text (escaped) and the blocks of a reply: send both, always."""
    return escaped(_title(reply), MOST_TEXT), blocks_of(reply, footnote=footnote)


def pointer_to(reply: Reply, channel: str, link: str | None) -> tuple[str, list[Block]]:
    """Return a message that says where the reply is: a card in `channel`, at `link` once it is posted."""
    where = f"It is in <#{channel}>: <{escaped(link)}|open it>." if link else f"It is on its way to <#{channel}>."
    title = escaped(_title(reply), MOST_TEXT - len(where) - 2)
    stop = "" if title[-1] in ".!?…" else "."
    return f"{title}{stop} {where}", [*_head(reply), SectionBlock(text=MarkdownTextObject(text=where))]


def note_of(text: str) -> tuple[str, list[Block]]:
    """Return a line for a card's thread: the top-level text and the blocks."""
    line = one_line(printable(text)) or NO_TITLE
    short = cut(line, MOST_TEXT)
    return escaped(short, MOST_TEXT), _sections([Line(short, as_mrkdwn(short))], MOST_BLOCKS, MOST_JSON)


def blocks_of(reply: Reply, *, footnote: str = "") -> list[Block]:
    """Return the blocks of a reply: its title, its parts as far as they fit, its buttons two a row."""
    head = _head(reply)
    feet = _feet(reply.buttons)
    if footnote.strip():
        feet.append(ContextBlock(elements=[_plain(cut(one_line(footnote), MOST_LABEL))]))
    blocks = MOST_BLOCKS - len(head) - len(feet)
    size = MOST_JSON - _size(head) - _size(feet)
    for fold in FOLDS:
        body = _sections(lines_of(reply.parts, fold), blocks, size)
        if len(body) <= blocks and _size(body) <= size:
            return [*head, *body, *feet]
    shown = len(reply.parts)
    while True:
        shown //= 2
        rest = note(f"… and {len(reply.parts) - shown:,} more parts, left out here")
        body = _sections(chain(lines_of(reply.parts[:shown], FOLDS[-1]), (rest,)), blocks, size)
        if len(body) <= blocks and _size(body) <= size:
            return [*head, *body, *feet]


def blocks_of_home(replies: Sequence[Reply], *, footnote: str) -> list[Block]:
    """Return the blocks of a Home tab: the first reply as its head, the others below with their buttons, in order.

    Where all does not fit, less of each is shown; then the last are left out, with a count.
    """
    foot = ContextBlock(elements=[_plain(cut(one_line(footnote), MOST_FOOTNOTE))])
    for fold in FOLDS:
        pieces = [_on_home(reply, fold, number) for number, reply in enumerate(replies)]
        blocks = [block for piece in pieces for block in piece]
        if len(blocks) < MOST_HOME_BLOCKS and _size(blocks) <= MOST_HOME_JSON:
            return [*blocks, foot]
    blocks = []
    for number, piece in enumerate(pieces):
        if len(blocks) + len(piece) + 2 > MOST_HOME_BLOCKS or _size([*blocks, *piece]) > MOST_HOME_JSON:
            blocks.append(_section(note(f"… and {len(pieces) - number:,} more, left out here")))
            break
        blocks += piece
    return [*blocks, foot]


def _on_home(reply: Reply, fold: Fold, number: int) -> list[Block]:
    if number == 0:
        return [
            *_head(reply),
            *_sections(lines_of(reply.parts, fold), MOST_HOME_BLOCKS, MOST_HOME_JSON),
            *_feet(reply.buttons),
        ]
    mark = TONES[reply.tone].mark
    title = cut(f"{mark} {_title(reply)}".strip(), MOST_SECTION // 2)
    lines = lines_of(reply.parts, fold)
    first = [Line(line.plain, line.marked) for line in islice(lines, 1)]
    sections = _sections(chain([Line(title, strong(title))], first, lines), MOST_HOME_BLOCKS, MOST_HOME_JSON)
    return [DividerBlock(), *sections, *_feet(reply.buttons)]


def _title(reply: Reply) -> str:
    return one_line(reply.title) or NO_TITLE


def _head(reply: Reply) -> list[Block]:
    mark = TONES[reply.tone].mark
    title = f"{mark} {_title(reply)}" if mark else _title(reply)
    if len(title) <= MOST_HEADER:
        return [HeaderBlock(text=_plain(title))]
    title = cut(title, MOST_SECTION)
    marked = strong(title)
    return [_section(Line(title, marked if marked is not None and len(marked) <= MOST_SECTION else None))]


def _sections(lines: Iterable[Line], most: int, size: int) -> list[Block]:
    """Gather neighbouring lines into sections; a line that cannot be marked up stands alone.

    What takes more than `most` blocks or `size` characters of JSON is left off soon after, and what is returned still
    takes more: a fold that does not fit costs no more than one that does.
    """
    sections: list[Line] = []
    written = 0
    for line in lines:
        if len(sections) > most or written > size:
            break
        for piece in _pieces(line):
            written += len(piece.plain if piece.marked is None else piece.marked)
            last = sections[-1] if sections else None
            if last is not None and last.marked is not None and piece.marked is not None:
                between = "\n\n" if piece.apart else "\n"
                both = last.marked + between + piece.marked
                if len(both) <= MOST_SECTION:
                    sections[-1] = Line(last.plain, both)
                    continue
            sections.append(piece)
    return [_section(section) for section in sections]


def _pieces(line: Line) -> list[Line]:
    """Split a line that is longer than a section; one that grows too long by its escapes is shown as plain text."""
    if max(len(line.plain), len(line.marked or "")) <= MOST_SECTION:
        return [line]
    pieces = (line.plain[start : start + MOST_SECTION] for start in range(0, len(line.plain), MOST_SECTION))
    return [Line(piece, None) for piece in pieces if piece.strip()]


def _section(line: Line) -> SectionBlock:
    text = _plain(line.plain) if line.marked is None else MarkdownTextObject(text=line.marked, verbatim=True)
    # Without `expand`, phones fold a long section behind "See more": a plan must be seen whole before it is approved.
    return SectionBlock(text=text, expand=True)


def _feet(buttons: Sequence[Button]) -> list[Block]:
    """Return the buttons two a row, and a line that counts those that cannot be carried; all can be typed."""
    elements: list[ButtonElement] = []
    size = 0
    for button in buttons[:MOST_BUTTONS]:
        if not button.line.strip() or len(button.line) > MOST_VALUE or not button.line.isprintable():
            continue
        element = _button(button, len(elements))
        size += len(json.dumps(element.to_dict(), ensure_ascii=False))
        if size > MOST_JSON_OF_BUTTONS:
            break
        elements.append(element)
    rows: list[Block] = [
        ActionsBlock(elements=elements[start : start + BUTTONS_A_ROW])
        for start in range(0, len(elements), BUTTONS_A_ROW)
    ]
    missing = len(buttons) - len(elements)
    if missing:
        noun = "button does" if missing == 1 else "buttons do"
        rows.append(_section(note(f"{missing:,} more {noun} not fit here: type the command instead")))
    return rows


def _button(button: Button, number: int) -> ButtonElement:
    label = cut(one_line(button.label) or one_line(button.line), MOST_LABEL)
    return ButtonElement(
        text=_plain(label),
        action_id=f"{ACTION if button.asks is None else ASKING}{number}",
        value=button.line if button.asks is None else _asking(button.line, button.asks),
        style=button.weight if button.weight in {"primary", "danger"} else None,
        confirm=_confirm(button.confirm, label, button.weight) if button.confirm is not None else None,
    )


def _asking(line: str, asks: str) -> str:
    """Put a line and the question that comes first into a button's value; a line itself has no line end."""
    return f"{line}\n{cut(one_line(asks), MOST_QUESTION)}"[:MOST_VALUE]


def _confirm(confirm: Confirm, label: str, weight: str) -> ConfirmObject:
    def said(text: str, otherwise: str, most: int) -> PlainTextObject:
        return _plain(cut(clean(text).strip() or otherwise, most))

    return ConfirmObject(
        title=said(one_line(confirm.title), label, MOST_CONFIRM_TITLE),
        text=said(confirm.text, label, MOST_CONFIRM_TEXT),
        confirm=said(one_line(confirm.yes), "Yes", MOST_CONFIRM_ANSWER),
        deny=said(one_line(confirm.no), "Not now", MOST_CONFIRM_ANSWER),
        style="danger" if weight == "danger" else None,
    )


def _plain(text: str) -> PlainTextObject:
    # emoji=False: `:x:` stays these three characters.
    return PlainTextObject(text=text, emoji=False)


def _size(blocks: Sequence[Block]) -> int:
    return sum(len(json.dumps(block.to_dict(), ensure_ascii=False)) + 1 for block in blocks)
