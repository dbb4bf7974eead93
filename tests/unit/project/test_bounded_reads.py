"""What the product reads of the record has a bound: only a test reads all of it at once."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
SAYING = ("core", "ops", "jobs", "commands", "bot")


def test_no_part_of_the_product_reads_entries_without_saying_how_many() -> None:
    reads = {
        f"{file.relative_to(ROOT)}:{node.lineno}": {keyword.arg for keyword in node.keywords}
        for folder in SAYING
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "entries"
    }
    assert len(reads) >= 3
    assert [place for place, given in reads.items() if "last" not in given] == []
