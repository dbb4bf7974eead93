"""What a value says by itself of what nobody has told it."""

from __future__ import annotations

from dataclasses import MISSING, fields


def said_untold(kind: type) -> dict[str, object]:
    """Return the fields of a dataclass that are something, not nothing, where they are not given."""
    return {one.name: one.default for one in fields(kind) if one.default is not MISSING and one.default}
