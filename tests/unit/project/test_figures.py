"""A figure that people are told comes from the setting that holds it, and so cannot stay behind when that changes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NUMBER = (
    r"[0-9](?:[0-9,.]*[0-9])?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|sixty|ninety|"
    r"half an|a quarter of an|(?<=than )an?|(?<=after )an?|(?<=within )an?|(?<=for )an?|(?<=last )"
)
UNIT = r"(?:milli)?seconds?|minutes?|min|hours?|days?|weeks?|months?|years?|ms|s|h|d|%|per cent|bytes?|[kKMG]i?B|times"
FIGURE = re.compile(rf"(?<![\w.:-])(?:{NUMBER})[ -](?:{UNIT})(?![\w%])")

# Each with what it is, where it is no setting of ours.
MEANT = {
    "100 %": "all of it, by whatever measure",
    "0.01 %": "the last digit that a share is written with",
    "64 KiB": "what a DNS message may hold (RFC 1035, section 4.2.2)",
    "5-minute": "the load average over five minutes, as uptime(1) has it",
    "a quarter of an hour": "a comment in a shell script about restic",
}


def figures(source: str) -> list[tuple[int, str]]:
    """Return each figure with a unit in the strings of a module, docstrings left out, with its line."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]
    return [(text.lineno, found[0]) for text in texts for found in FIGURE.finditer(str(text.value))]


def test_no_message_repeats_a_figure_of_a_setting() -> None:
    files = [file for folder in ("core", "jobs", "ops", "bot", "commands") for file in (ROOT / folder).rglob("*.py")]
    found = [(file, line, said) for file in files for line, said in figures(file.read_text(encoding="utf-8"))]
    strangers = [f"{file.relative_to(ROOT)}:{line}: {said}" for file, line, said in found if said not in MEANT]
    assert strangers == []
    assert {said for _, _, said in found} == MEANT.keys()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('f"nothing came from {it} for two minutes"', ["two minutes"]),
        ('said = "It is free in half an hour."', ["half an hour"]),
        ('said = "That is more than a year off."', ["a year"]),
        ('said = "for 10 min: "', ["10 min"]),
        ('LIMIT = 7\nf"at most {LIMIT} days"', []),
        ('said = "The most, in bytes a second."', []),
        ('def late():\n    """Say so after 10 minutes."""', []),
    ],
)
def test_a_figure_is_found_where_somebody_reads_it(source: str, said: list[str]) -> None:
    assert [words for _, words in figures(source)] == said
