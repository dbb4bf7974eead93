"""What every section is: a mapping of known keys, whose defaults are those of the fleet."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.units import format_duration, format_share


class Section(BaseModel):
    """A mapping of known keys. A key with nothing after its colon counts as left out."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, value: Any) -> Any:  # noqa: ANN401  whatever stands in the file
        if isinstance(value, dict) and None in value.values():
            return {key: entry for key, entry in value.items() if entry is not None}
        return value


def default(owner: type, name: str, what: str) -> Any:  # noqa: ANN401  as pydantic's own Field
    """Return a field whose default is that of `owner`, a class of `core.fleet`, spelled as the file spells it."""
    value = next(field.default for field in fields(owner) if field.name == name)
    if isinstance(value, timedelta):
        value = format_duration(value)
    elif isinstance(value, float):
        value = format_share(value)
    elif isinstance(value, tuple):
        value = list(value)
    return Field(default=value, description=what)
