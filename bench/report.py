"""The table, as the terminal shows it and as docs/measurements.md keeps it."""

from collections.abc import Sequence
from pathlib import Path

from bench.result import Row

BEGIN = "<!-- bench: begin -->"
END = "<!-- bench: end -->"
MET = {True: "yes", False: "**no**", None: ""}


def as_markdown(conditions: Sequence[str], rows: Sequence[Row]) -> str:
    """Return the conditions as a list and the rows as a table."""
    lines = [f"- {line}" for line in conditions]
    lines += ["", "| what | measured | beside it | target | held |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {row.what} | {row.found} | {row.beside} | {row.target} | {MET[row.met]} |" for row in rows]
    return "\n".join(lines)


def write_into(page: Path, table: str) -> None:
    """Put a table between the two marks of a page. ValueError where they are not there, once each, in order."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no section between {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
