"""What every section is: a mapping of known keys, which becomes a value of the fleet and has its defaults."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from datetime import timedelta
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.units import format_duration, format_share


class Section(BaseModel):
    """A mapping of known keys. A key with nothing after its colon counts as left out.

    makes: the class of `core.fleet` that it becomes, key by key; None: it becomes something else.
    """

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True
    )
    makes: ClassVar[type | None] = None

    def __init_subclass__(cls, makes: type | None = None) -> None:
        """Give each `setting` the default that it has in `makes`."""
        super().__init_subclass__()
        cls.makes = makes
        if makes is not None:
            _MAKERS[makes] = cls
        defaults = {one.name: one.default for one in fields(makes)} if makes is not None else {}
        for name, found in list(vars(cls).items()):
            if isinstance(found, _Setting):
                default = defaults.get(name, MISSING) if found.default is MISSING else found.default
                setattr(cls, name, Field(description=found.what, **_as_written(default), **found.more))

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, value: Any) -> Any:  # noqa: ANN401  whatever stands in the file
        if isinstance(value, dict) and None in value.values():
            return {key: entry for key, entry in value.items() if entry is not None}
        return value

    def values(self) -> dict[str, Any]:
        """Return what `makes` is made of."""
        return {key: _made(value) for key, value in self}

    def made(self, **more: str) -> Any:  # noqa: ANN401  as `makes` says
        """Return what this section becomes; more: what does not stand in it, such as its name."""
        return self.makes(**self.values() | more) if self.makes is not None else self.values()


_MAKERS: dict[type, type[Section]] = {}


class _Setting(NamedTuple):
    what: str
    default: Any
    more: dict[str, Any]


def setting(what: str, default: object = MISSING, **more: Any) -> Any:  # noqa: ANN401  as pydantic's own Field
    """Return a key of a section. default: where it is not that of the class which the section makes."""
    return _Setting(what, default, more)


def _as_written(default: object) -> dict[str, Any]:
    """Return a default as pydantic's Field takes it, spelled as the file spells it; MISSING: the key is required."""
    if default is MISSING:
        return {}
    if is_dataclass(default):
        return {"default_factory": _MAKERS[type(default)]}
    if isinstance(default, timedelta):
        return {"default": format_duration(default)}
    if isinstance(default, float):
        return {"default": format_share(default)}
    return {"default": list(default) if isinstance(default, tuple) else default}


def _made(value: object) -> object:
    if isinstance(value, Section):
        return value.made()
    if isinstance(value, list):
        return tuple(_made(one) for one in value)
    if isinstance(value, dict):
        return {name: one.made(name=name) if isinstance(one, Section) else one for name, one in value.items()}
    return value
