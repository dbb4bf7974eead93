"""The glossary, the tour and CONTRIBUTING name what is there: every file, class, function and field."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
TOUR = (ROOT / "docs" / "tour.md").read_text()
ROW = re.compile(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
WHERE = re.compile(r"`([\w.]+)` in `([\w/]+\.py)`")
# In the tour, a file; a name that stands right after one; a name that is called.
TOLD = re.compile(r"`([\w/]+\.py)`(?::\s+`([\w.]+)(?:\(\))?`)?|`([\w.]+)\(\)`")
PATHS = re.split(r"^## (\d\. .+)$", TOUR, flags=re.MULTILINE)[1:]


@cache
def names_in(file: str) -> frozenset[str]:
    """Return what a file defines: functions, classes, constants, and `Class.member` for what is in a class."""
    found: set[str] = set()
    for node in ast.parse((ROOT / file).read_text()).body:
        found |= defined(node)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for inner in node.body for name in defined(inner)}
            attributes = [inner for inner in ast.walk(node) if isinstance(inner, ast.Attribute)]
            found |= {f"{node.name}.{one.attr}" for one in attributes if isinstance(one.ctx, ast.Store)}
    return frozenset(found)


def defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def told(text: str) -> list[tuple[str, str]]:
    """Return the names in a part of the tour, each with the file that it is said to be in; empty: the file itself."""
    found, file = [], ""
    for match in TOLD.finditer(text):
        file = match[1] or file
        found.append((file, match[2] or match[3] or ""))
    return found


@pytest.mark.parametrize(("word", "where"), [row for row in ROW.findall(GLOSSARY) if row[0] not in {"word", "---"}])
def test_what_the_glossary_explains_is_where_it_says(word: str, where: str) -> None:
    found = WHERE.fullmatch(where)
    assert found, f"{word}: write `NAME` in `FILE.py`"
    assert (ROOT / found[2]).is_file()
    assert found[1] in names_in(found[2])


def test_a_word_is_explained_once() -> None:
    words = [word for row in ROW.findall(GLOSSARY) for word in row[0].split(", ") if word not in {"word", "---"}]
    assert len(words) == len(set(words)) > 50


@pytest.mark.parametrize(("title", "text"), list(zip(PATHS[::2], PATHS[1::2], strict=True)), ids=PATHS[::2])
def test_every_file_and_function_of_the_path_is_there(title: str, text: str) -> None:
    named = told(text)
    lost = [
        f"{file}: {name}"
        for file, name in named
        if not (ROOT / file).is_file() or (name and name not in names_in(file))
    ]
    assert not lost, f"{title}: {lost}"
    assert len({file for file, _ in named}) > 5


def test_every_place_that_contributing_names_is_there() -> None:
    named = re.findall(r"`((?:bot|commands|jobs|ops|core|lab|tests|docs)/[\w/.-]*)`", CONTRIBUTING)
    assert len(named) > 40
    assert [place for place in named if "NAME" not in place and not (ROOT / place).exists()] == []


def test_the_table_of_subjects_has_every_folder_of_core_and_jobs() -> None:
    named = set(re.findall(r"`((?:core|jobs)/\w+)`", CONTRIBUTING.partition("## Adding something")[0]))
    there = [file.parent for layer in ("core", "jobs") for file in (ROOT / layer).glob("*/__init__.py")]
    assert named == {str(folder.relative_to(ROOT)) for folder in there}


def test_the_way_in_is_there_and_five_paths_go_on() -> None:
    assert all(name in names_in(file) for file, name in told(TOUR.partition("\n## ")[0]) if name)
    assert len(PATHS) == 10


def test_a_name_that_is_not_there_is_found() -> None:
    file = "core/reply.py"
    assert told(f"`{file}`: `Reply()` and\n`nothing()`") == [(file, "Reply"), (file, "nothing")]
    assert "Reply" in names_in("core/reply.py")
    assert "nothing" not in names_in("core/reply.py")
