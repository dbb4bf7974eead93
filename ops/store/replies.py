"""Replies as JSON text, so that a card survives the process that made it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from core.reply import Button, Confirm, Heading, Part, Plot, Reply, Row, Table, Text, Tone, Typed

_PARTS: dict[str, type[Part]] = {
    "text": Text,
    "heading": Heading,
    "table": Table,
    "typed": Typed,
    "plot": Plot,
}
_NAMES = {kind: name for name, kind in _PARTS.items()}


def reply_to_text(reply: Reply) -> str:
    """Write a reply so that `reply_from_text` gives an equal one."""
    # Facts are plain already, and may be large: copying them deeply would cost more than all the rest.
    plain = asdict(replace(reply, parts=(), facts=None))
    plain["facts"] = dict(reply.facts) if reply.facts is not None else None
    plain["parts"] = [{"is": _NAMES[type(part)], **asdict(part)} for part in reply.parts]
    return json.dumps(plain, sort_keys=True)


def reply_from_text(text: str) -> Reply:
    """Read what `reply_to_text` wrote."""
    plain = json.loads(text)
    return Reply(
        **{
            **plain,
            "tone": Tone(plain["tone"]),
            "parts": tuple(_part(part) for part in plain["parts"]),
            "buttons": tuple(_button(button) for button in plain["buttons"]),
        }
    )


def _part(plain: dict[str, Any]) -> Part:
    kind = _PARTS[plain.pop("is")]
    if "tone" in plain:
        plain["tone"] = Tone(plain["tone"])
    if kind is Table:
        rows = tuple(Row(cells=tuple(row["cells"]), tone=Tone(row["tone"])) for row in plain["rows"])
        return Table(columns=tuple(plain["columns"]), rows=rows, left_out=plain["left_out"])
    if kind is Plot:
        plain |= {"heights": tuple(plain["heights"]), "tones": tuple(map(Tone, plain["tones"]))}
    return kind(**plain)


def _button(plain: dict[str, Any]) -> Button:
    confirm = plain["confirm"]
    return Button(**{**plain, "confirm": Confirm(**confirm) if confirm is not None else None})
