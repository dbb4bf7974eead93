"""Whatever is done to a fleet file, reading it ends in a fleet or in problems that a person can read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import SettingsError
from core.fleet.problems import fleet_troubles
from ops.fleetfile import examine, load_fleet
from ops.fleetfile.yaml_tree import grow

EXAMPLE = (Path(__file__).parent / "fleet_example.yaml").read_text()
LINES = EXAMPLE.splitlines(keepends=True)
Tree = object
Where = tuple[str | int, ...]
TREE: Tree = grow(EXAMPLE).value
mangles = settings(
    max_examples=150, suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture]
)

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(["", "uk", "us", "garden.example", "file:", "env:", "/", "..", "0 3 * * *", "{server}", "1.1.1.1"]),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=5)), max_size=3),
    st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.text(max_size=5)), max_size=3),
)


def places(node: object, where: Where = ()) -> list[Where]:
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [where, *(place for key, child in entries for place in places(child, (*where, key)))]


def put(node: Tree, where: Where, value: object) -> Tree:
    """Return the tree with `value` at `where`."""
    if not where:
        return value
    if isinstance(node, dict):
        return {key: put(child, where[1:], value) if key == where[0] else child for key, child in node.items()}
    assert isinstance(node, list)
    return [put(child, where[1:], value) if place == where[0] else child for place, child in enumerate(node)]


def take(node: Tree, where: Where) -> Tree:
    """Return the tree without what stands at `where`."""
    here, rest = where[0], where[1:]
    if isinstance(node, dict):
        return {key: take(child, rest) if key == here else child for key, child in node.items() if rest or key != here}
    assert isinstance(node, list)
    kept = [(place, child) for place, child in enumerate(node) if rest or place != here]
    return [take(child, rest) if place == here else child for place, child in kept]


PLACES = places(TREE)


def reads_or_refuses(folder: Path, content: bytes) -> None:
    path = folder / "app.yaml"
    path.write_bytes(content)
    fleet, problems = examine(path, {})
    lines = content.decode("utf-8", "replace").replace("\r", "\n").count("\n") + 2
    for problem in problems:
        assert problem.message
        assert problem.said("app.yaml").isprintable()
        assert 1 <= problem.line <= lines
    serious = [problem for problem in problems if problem.serious]
    assert (fleet is None) == bool(serious)
    if serious:
        with pytest.raises(SettingsError) as refused:
            load_fleet(path, {})
        assert len(refused.value.problems) == len(serious)


@mangles
@given(st.data())
def test_a_file_with_lines_taken_out_doubled_or_moved_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at, to = data.draw(st.integers(0, len(lines) - 1)), data.draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        if data.draw(st.booleans()):
            del lines[at]
        if data.draw(st.booleans()):
            lines.insert(to, line)
    reads_or_refuses(tmp_path, "".join(lines).encode())


@mangles
@given(st.data())
def test_a_file_with_bytes_changed_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(EXAMPLE.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.one_of(
                st.binary(max_size=3),
                st.sampled_from(
                    [b"\t", b"{", b"}", b"[", b"]", b"*", b"&", b"!", b"'", b'"', b": ", b"#", b"\n", b"<<: "]
                ),
            )
        )
    reads_or_refuses(tmp_path, bytes(content))


@mangles
@given(st.binary(max_size=200))
def test_anything_at_all_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    reads_or_refuses(tmp_path, content)


@mangles
@given(st.lists(st.tuples(st.sampled_from(PLACES), ODD), min_size=1, max_size=4))
def test_a_file_with_any_value_anywhere_is_read_or_refused(tmp_path: Path, changes: list[tuple[Where, object]]) -> None:
    tree = TREE
    for where, value in changes:
        tree = put(tree, where, value) if where in places(tree) else tree
    reads_or_refuses(tmp_path, json.dumps(tree).encode())
    # What YAML cannot write, such as lone surrogates, must not trip up what works on the tree either.
    assert all(trouble.message for trouble in fleet_troubles(tree, str.lower))


@pytest.mark.parametrize("where", [place for place in PLACES if place], ids=lambda where: ".".join(map(str, where)))
def test_whatever_is_missing_the_rest_is_still_judged(tmp_path: Path, where: Where) -> None:
    tree = take(put(TREE, ("timezone",), "Mars/Olympus"), where)
    path = tmp_path / "app.yaml"
    path.write_text(json.dumps(tree, indent=1))
    fleet, problems = examine(path, {})
    assert fleet is None or where == ("timezone",)
    assert any(problem.where == "timezone" for problem in problems) or where == ("timezone",)
