"""Whole replies as people get them: a file a subject keeps them as text, and a test compares each with what is drawn.

A word, a figure, a tone or a button that changes shows there as a line that changed. Where that is meant,
`SHARPNET_WHOLES=write` puts what is drawn now into the files; then read what git says of it.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from core.reply import Heading, Plot, Reply, Table, Text, Tone, Typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from core.reply import Button, Part

MARK = "== "


def shown(whole: object) -> str:
    """Return a reply with all that it holds, a line a thing; of anything else, a line an item."""
    match whole:
        case Reply():
            return "\n".join(_reply(whole))
        case str():
            return whole
        case tuple() | list():
            return "\n".join(shown(one) for one in whole)
        case Text() | Heading() | Table() | Typed() | Plot():
            return "\n".join(_part(whole))
        case dict():
            return "\n".join(_facts(whole))
        case _:
            return repr(whole)


def kept(file: Path) -> Mapping[str, str]:
    """Return the texts of a file by their names."""
    texts: dict[str, list[str]] = {}
    name = ""
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        if line.startswith(MARK):
            name = line.removeprefix(MARK)
            texts[name] = []
        else:
            texts[name].append(line)
    return {name: "\n".join(lines).rstrip("\n") for name, lines in texts.items()}


def compare(file: Path, wholes: Mapping[str, object]) -> None:
    """See that each is what the file keeps under its name, and that it keeps no other."""
    drawn = {name: shown(whole).rstrip("\n") for name, whole in wholes.items()}
    if os.environ.get("SHARPNET_WHOLES") == "write":
        file.write_text("\n".join(f"{MARK}{name}\n{text}\n" for name, text in drawn.items()), encoding="utf-8")
    there = kept(file)
    for name, text in drawn.items():
        assert text == there.get(name), name
    assert list(there) == list(drawn)


def _reply(reply: Reply) -> Iterator[str]:
    yield f"{reply.title}{_toned(reply.tone)}"
    for part in reply.parts:
        yield from _part(part)
    for button in reply.buttons:
        yield from _button(button)
    if reply.exit_code or reply.card:
        yield f"exits with {reply.exit_code}, card {reply.card}"
    if reply.facts is not None:
        yield from _facts(reply.facts)


def _facts(facts: Mapping[str, object]) -> Iterator[str]:
    for name, value in facts.items():
        yield f"{name}: {json.dumps(value, ensure_ascii=False)}"


def _part(part: Part) -> Iterator[str]:
    match part:
        case Text():
            yield f"{part.text}{_toned(part.tone)}"
        case Heading():
            yield f"# {part.text}"
        case Typed():
            yield f"$ {part.line}"
        case Table():
            yield _row(part.columns)
            for row in part.rows:
                yield f"{_row(row.cells)}{_toned(row.tone)}"
            if part.left_out:
                yield f"| and {part.left_out} more rows"
        case Plot():
            yield f"{part.title}: {part.words}"
            yield " ".join(f"{height} {tone.value}" for height, tone in zip(part.heights, part.tones, strict=True))


def _button(button: Button) -> Iterator[str]:
    asks = f", asks {button.asks}" if button.asks is not None else ""
    yield f"[{button.label}] {button.line} ({button.weight}){asks}"
    if button.confirm is not None:
        confirm = button.confirm
        yield f"    {confirm.title} {confirm.text} [{confirm.yes}] [{confirm.no}]"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _toned(tone: Tone) -> str:
    return "" if tone is Tone.PLAIN else f" ({tone.value})"
