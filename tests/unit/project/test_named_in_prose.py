"""What docstrings and comments name is there: a module, and in it the class, function or constant."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
LAYERS = ("bot", "commands", "jobs", "ops", "core", "lab", "bench")
DOTTED = re.compile(rf"(?<![\w./@-])(?:{'|'.join(LAYERS)}|tests)(?:\.\w+)+(?![\w/-])")
QUOTED = re.compile(r"`([A-Za-z_][\w.]*)(?:\(\))?`")
COMMENT = re.compile(r"(?:^|\s)#\s(.*)")
WITH_BODY = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
# Of all that is quoted, what can only be a name of the source: two humps, or an underscore.
OF_SOURCE = re.compile(r"_?[A-Z][a-z][a-z0-9]*[A-Z]\w*|_*[a-z0-9]+(?:_[a-z0-9]+)+|_[a-z]\w*")


def sources() -> Iterator[Path]:
    for folder in (*LAYERS, "tests"):
        yield from sorted((ROOT / folder).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def docstrings(path: Path) -> list[ast.Constant]:
    firsts = [node.body[0] for node in ast.walk(tree_of(path)) if isinstance(node, WITH_BODY) and node.body]
    values = [first.value for first in firsts if isinstance(first, ast.Expr)]
    return [value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each comment and docstring with its line."""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        yield from ((number, said) for said in COMMENT.findall(line))
    yield from ((said.lineno, str(said.value)) for said in docstrings(path))


def found_in(body: list[ast.stmt], name: str) -> ast.stmt | None:
    """Return the statement of a module or a class that defines or imports the name."""
    for node in body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                names = [node.name]
            case ast.Import() | ast.ImportFrom():
                names = [one.asname or one.name for one in node.names]
            case ast.Assign() | ast.AnnAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
            case ast.If() | ast.Try() if inside := found_in(node.body, name):
                return inside
            case _:
                continue
        if name in names:
            return node
    return None


@cache
def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in sources()
    }


def is_there(name: str) -> bool:
    """Return whether a dotted name is a module or a folder of them, or what one defines: `core.reply.Reply`."""
    parts = name.split(".")
    if (ROOT / Path(*parts)).is_dir():
        return True
    length = next((size for size in range(len(parts), 0, -1) if ".".join(parts[:size]) in modules()), 0)
    if not length:
        return False
    body = tree_of(modules()[".".join(parts[:length])]).body
    for position, part in enumerate(parts[length:], start=length + 1):
        found = found_in(body, part)
        if isinstance(found, ast.ImportFrom):
            return is_there(".".join([str(found.module), part, *parts[position:]]))
        if found is None:
            return False
        body = found.body if isinstance(found, ast.ClassDef) else []
    return True


@cache
def words_of_source() -> frozenset[str]:
    """Return every word outside of docstrings and comments, of files' names too."""
    found = {part for name in modules() for part in name.split(".")}
    for path in sources():
        said = {id(one) for one in docstrings(path)}
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant):
                if isinstance(node.value, str) and id(node) not in said:
                    found.update(re.findall(r"\w+", node.value))
            else:
                found.update(
                    str(getattr(node, field)) for field in ("id", "attr", "arg", "name") if hasattr(node, field)
                )
    return frozenset(found)


def stale_in(path: Path) -> list[str]:
    stale = []
    for line, said in prose(path):
        stale += [f"{path.relative_to(ROOT)}:{line}: {name}" for name in DOTTED.findall(said) if not is_there(name)]
        for name in QUOTED.findall(said):
            last = name.rpartition(".")[2]
            if OF_SOURCE.fullmatch(last) and last not in words_of_source():
                stale.append(f"{path.relative_to(ROOT)}:{line}: {name}")
    return stale


@pytest.mark.parametrize("folder", [*LAYERS, "tests"])
def test_what_docstrings_and_comments_name_is_there(folder: str) -> None:
    stale = [one for path in sources() if path.relative_to(ROOT).parts[0] == folder for one in stale_in(path)]
    assert not stale, "\n".join(["named, and not there:", *stale])


@pytest.mark.parametrize("name", ["core.reply.Reply", "core.fleet", "ops.contracts.Ssh.run", "bot", "core.fleet.Site"])
def test_a_name_that_is_there_is_found(name: str) -> None:
    assert is_there(name)


@pytest.mark.parametrize("name", ["core.reply.Replies", "core.flotilla", "ops.contracts.Ssh.walk", "jobs.sync.wish"])
def test_a_name_that_is_gone_is_missed(name: str) -> None:
    assert not is_there(name)
