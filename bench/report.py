"""The tables, as the terminal shows them and as docs/measurements.md keeps them, each between two marks of its own."""

from collections.abc import Sequence
from pathlib import Path

from bench.result import Row

BEGIN = "<!-- bench {}: begin -->"
END = "<!-- bench {}: end -->"
MET = {True: "yes", False: "**no**", None: ""}


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = ["| what | measured | beside it | target | held |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {row.what} | {row.found} | {row.beside} | {row.target} | {MET[row.met]} |" for row in rows]
    return "\n".join(lines)


def section(conditions: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a measurement as the page keeps it: its table, and where and when it was taken."""
    return f"{table(rows)}\n\nTaken {'; '.join(conditions)}."


def write_into(page: Path, name: str, text: str) -> None:
    """Put `text` between the two marks of `name`, and leave everything else on the page as it is.

    ValueError where the marks are not there, once each, in order.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN.format(name))
    _, end, after = rest.partition(END.format(name))
    if not begin or not end or BEGIN.format(name) in after:
        raise ValueError(f"{page} has no single place between {BEGIN.format(name)} and {END.format(name)}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
