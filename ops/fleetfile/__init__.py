"""The fleet file: read whole, checked whole, and everything that is wrong with it said at once.

Four steps, each of which goes on with what the one before could make of it: the text, YAML with its lines
(`yaml_tree`), the shape of each value (`shape`), and how the values fit together (`core.fleet.problems`).
"""

from __future__ import annotations

import json
import os
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from core.errors import SettingsError
from core.fleet.problems import fleet_troubles
from core.wording import count
from ops.fleetfile.names import known_zone_name
from ops.fleetfile.problems import Problem, of_shape, of_trouble, where_of
from ops.fleetfile.reading import text_of
from ops.fleetfile.secret_places import secret_reader, secret_troubles
from ops.fleetfile.shape import FleetFile
from ops.fleetfile.wrong import kind_of
from ops.fleetfile.yaml_tree import Block, YamlTrouble, grow
from ops.writable import why_writable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet

__all__ = ["Problem", "examine", "load_fleet", "schema", "schema_text", "secret_reader", "shown_path"]


def load_fleet(path: Path, environ: Mapping[str, str] = os.environ) -> Fleet:
    """Return the fleet that the file describes; warnings are passed over.

    Raises SettingsError with every serious problem in `problems`, one line each.
    """
    fleet, problems = examine(path, environ)
    file = shown_path(path)
    serious = tuple(problem.said(file) for problem in problems if problem.serious)
    if fleet is None or serious:
        hint = "`sharpnet check` says all of it again, and what else it noticed."
        raise SettingsError(f"{file} has {count(len(serious), 'problem')}.", problems=serious, hint=hint)
    return fleet


def examine(path: Path, environ: Mapping[str, str] = os.environ) -> tuple[Fleet | None, tuple[Problem, ...]]:
    """Return the fleet and everything noticed about the file, in the order of its lines; None where it is unusable."""
    try:
        tree = grow(text_of(path))
    except YamlTrouble as trouble:
        return None, (Problem(trouble.line, "", trouble.message, trouble.hint),)
    if not isinstance(tree.value, Block):
        return None, (Problem(1, "", f"holds {kind_of(tree.value)}", "Write a mapping: fleet, servers, sites, dns."),)
    problems = [
        Problem(again.line, where_of(again.where), f"stands here again: line {again.first_line} has it", "Keep one.")
        for again in tree.repeated
    ]
    file, folder = None, path.absolute().parent
    try:
        file = FleetFile.model_validate(tree.value, context=folder)
    except ValidationError as error:
        problems += of_shape(error, tree)
    problems += (of_trouble(trouble, tree) for trouble in fleet_troubles(tree.value, known_zone_name))
    writable = why_writable(str(path.absolute()))
    if writable is not None:
        problems.append(Problem(1, "", writable.message, writable.hint, writable.serious))
    problems += (of_trouble(trouble, tree) for trouble in secret_troubles(tree.value, folder, environ))
    usable = file is not None and not any(problem.serious for problem in problems)
    return file.made() if file is not None and usable else None, tuple(sorted(problems, key=attrgetter("line")))


def shown_path(path: Path) -> str:
    """Return the file's path as a person would write it here: relative where it lies in or under this directory."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


class _Plainly(GenerateJsonSchema):
    """A schema without the titles that pydantic makes up from the keys."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  pydantic's own signature
        return False


def schema() -> dict[str, object]:
    """Return the JSON schema of the fleet file (draft 2020-12)."""
    made = FleetFile.model_json_schema(schema_generator=_Plainly)
    return {"$schema": _Plainly.schema_dialect, **made}


def schema_text() -> str:
    """Return the JSON schema as docs/app.schema.json holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
