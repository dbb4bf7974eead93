"""What libyaml complains of, in words for the person who wrote the file."""

from __future__ import annotations

from ops.fleetfile.wrong import printable


def in_words(problem: str, line: str) -> tuple[str, str]:
    """Say libyaml's complaint and a hint, without repeating what stands on the line: it may be a secret."""
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in problem or "tab" in problem:
        return "is indented with a tab", "Indent with spaces."
    if "{server}" in line and ("'}'" in problem or "']'" in problem or "':'" in problem):
        return "is no YAML here", 'Inside braces or brackets a value with {server} needs quotes: "/srv/{server}/x".'
    if "mapping values are not allowed" in problem:
        return "has a second colon on one line, or is indented wrongly", "Quote a value that holds “: ”."
    if "could not find expected ':'" in problem:
        return "has no colon after its key, or the line before is not closed", "Write key: value."
    if "expected key" in problem or "block end" in problem or "block mapping" in problem:
        hint = "Indent the keys of one mapping alike, and close every quote."
        return "does not fit to the lines above it", hint
    if "alphabetic or numeric" in problem:
        return "begins a text with * or &", "Put the text in quotes."
    if "expected ','" in problem:
        return "has an open brace or bracket, or no comma between two entries", "Close it, or add the comma."
    if "end of stream" in problem or "quoted scalar" in problem:
        return "opens a quote, bracket or brace that is never closed", ""
    if "cannot start any token" in problem:
        return "begins a value with a character that needs quotes", "Put the value in quotes."
    return f"is no YAML: {printable(problem) or 'it cannot be read'}", ""
