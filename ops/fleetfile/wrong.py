"""What one value of the file has wrong with it: raised by whoever reads a value, said by `problems`."""

from __future__ import annotations


class Wrong(ValueError):  # noqa: N818  a finding about a value, gathered by pydantic with all the others
    """A value cannot be taken as it is written. The text says what is wrong with it, `hint` what would be right."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def printable(text: str) -> str:
    """Return text on one line, with a mark for each character that cannot be shown."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def kind_of(value: object) -> str:
    """Say what kind of value this is, as someone who writes YAML would: `a list`, `a number`."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    words = {str: "text", int: "a number", float: "a number with a point", list: "a list", dict: "a mapping"}
    return next((word for kind, word in words.items() if isinstance(value, kind)), "something else")
