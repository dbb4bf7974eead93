"""docs/fleet-file.md and docs/app.schema.json say what the loader does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ops.databases import all_engines
from ops.dns import all_backends
from ops.fleetfile import examine, schema, schema_text
from ops.fleetfile.yaml_tree import grow

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "fleet-file.md").read_text()
EXAMPLE = (Path(__file__).parent / "fleet_example.yaml").read_text()
ROW = re.compile(r"^\| `(\w+)` \|([^|]+)\|([^|]+)\|([^|]+)\|([^|]+)\|$", re.MULTILINE)
ENTRIES = {
    "databases": {"engine": "mariadb", "name": "x"},
    "before_sync": {"on": "source", "run": "true"},
    "update": {},
}
FOUND = {"backend": all_backends, "engine": all_engines}
STAND_INS = {"servers": "uk", "nameservers": "ns1", "sites": "garden.example", "domains": "garden.example"}


def documented() -> dict[str, dict[str, tuple[str, str]]]:
    """Return, for each section of the page, each key's default and example."""
    sections = re.split(r"^##+ (?:`(.+)`|The whole file)$", PAGE, flags=re.MULTILINE)[1:]
    named = zip(sections[::2], sections[1::2], strict=True)
    return {
        name or "": {
            key: (default.strip("` "), example.strip("` ")) for key, _, default, example, _ in ROW.findall(text)
        }
        for name, text in named
    }


def described() -> dict[str, dict[str, str]]:
    """Return, for each section of the schema under the path where it comes first, each key's default."""
    whole: dict[str, Any] = schema()
    found: dict[str, dict[str, str]] = {}
    seen: set[str] = set()
    waiting: list[tuple[str, dict[str, Any]]] = [("", whole)]
    while waiting:
        path, section = waiting.pop(0)
        found[path] = {}
        for key, entry in section["properties"].items():
            required = key in section.get("required", ())
            found[path][key] = "required" if required else str(entry.get("default"))
            for suffix, name in references(entry):
                if name not in seen:
                    seen.add(name)
                    waiting.append((f"{path}.{key}{suffix}".removeprefix("."), whole["$defs"][name]))
    return found


def references(entry: dict[str, Any], suffix: str = "") -> list[tuple[str, str]]:
    if "$ref" in entry:
        return [(suffix, entry["$ref"].rsplit("/", 1)[1])]
    inner = [(choice, suffix) for choice in entry.get("anyOf", ())]
    inner += [(entry["items"], "[]")] if "items" in entry else []
    inner += [(entry["additionalProperties"], ".*")] if isinstance(entry.get("additionalProperties"), dict) else []
    return [reference for child, child_suffix in inner for reference in references(child, child_suffix)]


def without_names(path: str) -> str:
    return re.sub(r"\.(NAME|SITE|DOMAIN)", ".*", path)


def test_the_stored_schema_is_the_one_that_check_prints() -> None:
    stored = (ROOT / "docs" / "app.schema.json").read_text()
    assert stored == schema_text(), "print it anew: sharpnet check --schema > docs/app.schema.json"


def test_the_page_has_every_section_and_key_of_the_schema_and_no_other() -> None:
    page = {without_names(path): sorted(keys) for path, keys in documented().items()}
    assert page == {path: sorted(keys) for path, keys in described().items()}


def test_the_page_has_the_defaults_of_the_schema() -> None:
    page = {(without_names(path), key): row[0] for path, keys in documented().items() for key, row in keys.items()}
    schemas = described()
    for (path, key), said in page.items():
        default = schemas[path][key]
        if default == "None":
            assert said in {"none", "see there", "the name", "all", "[]", "{}"}, f"{path}.{key}"
        else:
            assert said == ("1m" if default == "60s" else default), f"{path}.{key}"


@pytest.mark.parametrize("key", FOUND)
def test_the_page_names_every_one_that_discovery_finds(key: str) -> None:
    (kind,) = [row[1] for row in ROW.findall(PAGE) if row[0] == key]
    assert set(re.findall(r"`(.+?)`", kind)) == set(FOUND[key]())


@pytest.mark.parametrize(
    ("path", "key", "example"),
    [(path, key, row[1]) for path, keys in documented().items() for key, row in keys.items() if row[1]],
)
def test_every_example_on_the_page_is_taken(tmp_path: Path, path: str, key: str, example: str) -> None:
    tree: Any = grow(EXAMPLE).value
    above, node, place, last = tree, tree, "", ""
    for part in path.replace("[]", ".[]").split(".") if path else ():
        if part == "[]":
            above[last] = node = node or [dict(ENTRIES[last])]
            node, place = node[0], place + "[0]"
        else:
            name = STAND_INS[last] if part.isupper() else part
            above = node
            node, place = node.setdefault(name, {}), f"{place}.{name}".removeprefix(".")
        last = part
    node[key] = grow(f"x: {example}").value["x"]
    (tmp_path / "app.yaml").write_text(json.dumps(tree))
    refused = [problem.where for problem in examine(tmp_path / "app.yaml", {})[1] if problem.serious]
    assert not [where for where in refused if where.startswith(f"{place}.{key}".removeprefix("."))]


def test_the_smallest_file_on_the_page_can_be_used(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found
    (tmp_path / "app.yaml").write_text(found[1])
    fleet, problems = examine(tmp_path / "app.yaml", {"SHARPNET_TSIG": "made up"})
    assert fleet is not None
    assert {problem.where for problem in problems} == {"servers.london.ssh.key", "servers.london.ssh.known_hosts"}
