"""What people read of a reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.reply import Table, Typed

if TYPE_CHECKING:
    from core.reply import Reply


def said(reply: Reply) -> str:
    """Return all its text but the buttons', one line after the other."""
    lines = [reply.title]
    for part in reply.parts:
        match part:
            case Table():
                lines += [" | ".join(row.cells) for row in part.rows]
            case Typed():
                lines.append(part.line)
            case _:
                lines.append(part.text)
    return "\n".join(lines)
