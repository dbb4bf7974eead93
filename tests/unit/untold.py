"""What a value says by itself of what nobody has told it."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any


def said_untold(kind: type) -> dict[str, object]:
    """Return the fields of a dataclass that are something, not nothing, where they are not given."""
    return {one.name: given for one in fields(kind) if (given := _given(one))}


def _given(one: Field[Any]) -> object:
    if one.default_factory is not MISSING:
        return one.default_factory()
    return None if one.default is MISSING else one.default
