"""Everything that is wrong with a fleet file, as lines for the person who wrote it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from core.fleet.raw_tree import did_you_mean
from core.wording import listing
from ops.fleetfile.sections.dns import provider_section
from ops.fleetfile.shape import FleetFile
from ops.fleetfile.wrong import kind_of, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from core.fleet.raw_tree import Inconsistency, Where
    from ops.fleetfile.yaml_tree import Tree

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_KEY_ITSELF = "[key]"
MOST_KEYS_SHOWN = 12
MOST_WHERE = 120
WANTED = dict.fromkeys(("dict_type", "model_type"), "a mapping, like {key: value}")
WANTED |= {"list_type": "a list, like [a, b]", "int_type": "a whole number"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `where` as keys joined by dots; empty: the file itself. Not `serious`: a warning."""

    line: int
    where: str
    message: str
    hint: str = ""
    serious: bool = True

    def said(self, file: str) -> str:
        """Return it as one line, such as `app.yaml:31: servers.uk.ssh.port: must be at least 1, not 0.`."""
        place = f"{file}:{self.line}: " + (f"{self.where}: " if self.where else "")
        return f"{place}{self.message}." + (f" {self.hint}" if self.hint else "")


def where_of(where: Where) -> str:
    """Write where something stands: `sites.garden.example.mirrors[0]`, odd names in quotes."""
    text = ""
    for part in where:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _PLAIN_KEY.fullmatch(part) else json.dumps(part)
            text += f".{key}" if text else key
    return text if len(text) <= MOST_WHERE else text[: MOST_WHERE - 1] + "…"


def of_trouble(trouble: Inconsistency, tree: Tree) -> Problem:
    """Return a trouble between parts with its line."""
    line = tree.line_of(trouble.where)
    # Both may hold names as they were written.
    return Problem(line, where_of(trouble.where), printable(trouble.message), printable(trouble.hint), trouble.serious)


def of_shape(error: ValidationError, tree: Tree) -> Iterator[Problem]:
    """Yield what pydantic found, in words, with the lines."""
    for found in error.errors(include_url=False, include_input=False):
        where: Where = tuple(found["loc"])
        if where and where[-1] == _KEY_ITSELF:
            where = where[:-1]
        message, hint = _in_words(found["type"], where, found.get("ctx", {}), tree)
        yield Problem(tree.line_of(where), where_of(where), message or found["msg"], hint)


def _in_words(kind: str, where: Where, context: Mapping[str, Any], tree: Tree) -> tuple[str, str]:
    value = tree.at(where)
    if kind == "value_error":
        return str(context["error"]).rstrip("."), getattr(context["error"], "hint", "")
    if kind == "missing":
        return _with_meaning("is empty" if tree.has(where) else "is missing", where, tree), ""
    if kind == "extra_forbidden":
        known = list(_model_at(where[:-1], tree).model_fields)
        return "is not known here", did_you_mean(str(where[-1]), known) or f"Known: {listing(known, MOST_KEYS_SHOWN)}."
    if kind == "string_type":
        hint = "Put it in quotes." if isinstance(value, int | float) else ""
        return f"must be text, not {kind_of(value)}", hint
    if kind in WANTED:
        return f"must be {WANTED[kind]}, not {kind_of(value)}", ""
    if kind in {"greater_than_equal", "less_than_equal"}:
        limit = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']:,}"
        return f"must be {limit}, not {value}", ""
    if kind in {"too_short", "string_too_short"}:
        return _with_meaning("must not be empty", where, tree), ""
    if kind == "literal_error":
        return f"must be one of {str(context['expected']).replace(' or ', ', ')}", ""
    return "", ""


def _with_meaning(message: str, where: Where, tree: Tree) -> str:
    """Add what the schema says of the key at `where`."""
    field = _model_at(where[:-1], tree).model_fields.get(str(where[-1])) if where else None
    meaning = (field.description or "").rstrip(".") if field else ""
    return f"{message}: {meaning[:1].lower()}{meaning[1:]}" if meaning else message


def _model_at(where: Where, tree: Tree) -> type[BaseModel]:
    """Return the model of the mapping at `where`; the whole file's where `where` leads out of the schema."""
    if where == ("dns", "provider"):
        return provider_section(tree.at(("dns", "backend"))) or FleetFile
    kind: Any = FleetFile
    for part in where:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(str(part))
            kind = _without_none(field.annotation) if field else None
        else:
            kind = _without_none(get_args(kind)[-1]) if get_origin(kind) in {dict, list} else None
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else FleetFile


def _without_none(kind: Any) -> Any:  # noqa: ANN401  a type as pydantic keeps it
    if get_origin(kind) in {dict, list}:
        return kind
    return next((choice for choice in get_args(kind) if choice is not type(None)), kind)
