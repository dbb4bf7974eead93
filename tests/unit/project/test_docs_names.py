"""What the pages for people name is there: keys of app.yaml, files, names of the source, verbs of the lab, a pin."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unit.project.test_named_in_prose import OF_SOURCE, is_there, words_of_source

from lab.__main__ import _parser
from ops.fleetfile import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
QUOTED = re.compile(r"`([^`\n]+)`")
KEY = re.compile(r"[a-z_]+(?:\.(?:[a-z_]+|[A-Z]+))+")
PLACE = re.compile(r"(?:bot|commands|jobs|ops|core|lab|tests|docs|bench)/[\w/.*-]+")
DOTTED = re.compile(r"(?:bot|commands|jobs|ops|core|lab|bench)(?:\.\w+)+")
NAME = re.compile(r"[A-Za-z_][\w.]*(?:\(\))?")
# Of a key's form, and none: names of the demo, a kind of entry in the record, a field in the source.
NO_KEYS = frozenset({"mail.garden.example", "sync.look", "fleet.dns.max_ttl_s"})
# Names of other programs.
OF_OTHERS = frozenset({"postscreen_access_list", "json_extract"})

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def keys() -> set[str]:
    """Return every key of app.yaml with its sections, `servers.NAME.ssh.user`; whatever people call things is NAME."""
    whole: Any = schema()

    def below(node: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
        if "$ref" in node:
            node = whole["$defs"][node["$ref"].rpartition("/")[2]]
        for choice in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            yield from below(choice, path)
        for name, value in node.get("properties", {}).items():
            yield ".".join((*path, name))
            yield from below(value, (*path, name))
        for value in (node.get("additionalProperties"), *node.get("patternProperties", {}).values()):
            if isinstance(value, dict):
                yield ".".join((*path, "NAME"))
                yield from below(value, (*path, "NAME"))
        if isinstance(node.get("items"), dict):
            yield from below(node["items"], path)

    return set(below(whole, ()))


KEYS = keys()
SECTIONS = {key.partition(".")[0] for key in KEYS}


def why_not_there(said: str) -> str | None:
    """Say of what stands in back quotes why it is not there; None where it is, or is none of these kinds."""
    if PLACE.fullmatch(said):
        return None if "NAME" in said or list(ROOT.glob(said)) else "no such file"
    if DOTTED.fullmatch(said) and said.partition(".")[0] not in SECTIONS:
        return None if is_there(said) else "not in the source"
    key = said.replace("[]", "")
    if KEY.fullmatch(key) and key.partition(".")[0] in SECTIONS and said not in NO_KEYS:
        return None if re.sub(r"\b[A-Z]+\b", "NAME", key) in KEYS else "no key of app.yaml"
    last = said.removesuffix("()").rpartition(".")[2]
    if NAME.fullmatch(said) and OF_SOURCE.fullmatch(last) and last not in OF_OTHERS:
        ours = words_of_source() | {key.rpartition(".")[2] for key in KEYS}
        return None if last in ours else "not in the source"
    return None


@by_page
def test_what_the_page_names_is_there(page: Path) -> None:
    # What was is told in the changelog by the names that it had.
    named = QUOTED.findall(page.read_text().partition("## [0.")[0])
    assert [f"{said}: {why}" for said in named if (why := why_not_there(said))] == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("watch.down_after", None),
        ("sites.SITE.hooks.before_sync[]", None),
        ("watch.down_afer", "no key of app.yaml"),
        ("servers.NAME.pear", "no key of app.yaml"),
        ("lab/packages.txt", None),
        ("lab/parcels.txt", "no such file"),
        ("ops.contracts.Dns", None),
        ("ops.contracts.Dnss", "not in the source"),
        ("open_ports()", None),
        ("open_ports()".replace("s(", "("), "not in the source"),
        ("www.example.org", None),
    ],
)
def test_what_is_not_there_is_found(said: str, why: str | None) -> None:
    assert why_not_there(said) == why


def test_every_line_of_the_lab_that_a_page_gives_can_be_typed_and_every_verb_is_explained() -> None:
    typed = re.findall(
        r"(?:`|^ {4})(?:sudo )?(?:\.venv/bin/)?lab ([a-z-]+)",
        "\n".join(page.read_text() for page in PAGES),
        re.MULTILINE,
    )
    (verbs,) = [action.choices for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)]
    assert set(typed) <= set(verbs)
    explained = re.findall(r"^ {4}lab ([a-z-]+) ", (ROOT / "docs" / "lab.md").read_text(), re.MULTILINE)
    # `make demo` is how the demo is started.
    assert set(explained) == set(verbs) - {"demo"}


def test_what_the_handbook_says_to_build_is_what_is_pinned() -> None:
    handbook = (ROOT / "docs" / "handbook.md").read_text()
    ((name, version, digest),) = re.findall(r"'(\w+)==(\S+) --hash=(\S+)'", handbook)
    _, _, pinned = (ROOT / "requirements.txt").read_text().partition(f"\n{name}=={version} ")
    assert f"--hash={digest}" in re.split(r"\n(?=\w)", pinned)[0]
    assert set(re.findall(rf"{name}-([\d.]*\d)", handbook)) == {version}
