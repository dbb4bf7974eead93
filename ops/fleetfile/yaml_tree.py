"""YAML 1.2 as plain values that know their lines.

Built from libyaml's events, which takes a thirtieth of the time of a parser in Python: every command starts with it.
Values follow the core schema (YAML 1.2.2, section 10.3), in which `off`, `no` and `12:30` are text. Anchors, aliases
and merge keys work; what they unfold to is bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from ops.fleetfile.yaml_words import in_words

MOST_VALUES = 3_000_000
MOST_DEPTH = 32

_INT = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}", re.ASCII)
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII
)
_WORDS = dict.fromkeys(("", "~", "null", "Null", "NULL")) | {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_MERGE = "<<"

# The parser in Python takes the place of libyaml where PyYAML was built without it: the same, but slower.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

Where = tuple[str | int, ...]


class YamlTrouble(Exception):  # noqa: N818  a finding about the file, said by `examine` with all the others
    """This is not YAML, or too much of it. Nothing after the line can be judged."""

    def __init__(self, line: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.hint = hint


class Block(dict[str, object]):
    """A mapping; `lines` has the line of each key."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}

    def entry(self, part: str | int) -> tuple[int, object] | None:
        """Return the line and the value of the key `part`; None where there is none."""
        return (self.lines[part], self[part]) if isinstance(part, str) and part in self else None

    def fill_up(self, merged: Block) -> None:
        """Take over the keys of `merged` that are not here."""
        self.lines = merged.lines | self.lines
        for key, value in merged.items():
            self.setdefault(key, value)


class Run(list[object]):
    """A list; `lines` has the line of each entry."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []

    def entry(self, part: str | int) -> tuple[int, object] | None:
        """Return the line and the value of the entry `part`; None where there is none."""
        return (self.lines[part], self[part]) if isinstance(part, int) and 0 <= part < len(self) else None


@dataclass(frozen=True, slots=True)
class Repeated:
    """A key that stands twice in one mapping: the first counts."""

    line: int
    where: Where
    first_line: int


@dataclass(frozen=True, slots=True)
class Tree:
    """A file's value, and the keys that it repeats."""

    value: object
    repeated: tuple[Repeated, ...]

    def line_of(self, where: Where) -> int:
        """Return the line on which `where` stands, or as much of it as there is."""
        return self._follow(where)[0]

    def has(self, where: Where) -> bool:
        """Return whether something is written at `where`, be it empty."""
        return self._follow(where)[2] == len(where)

    def at(self, where: Where) -> object:
        """Return the value at `where`; None where there is none."""
        _, node, followed = self._follow(where)
        return node if followed == len(where) else None

    def _follow(self, where: Where) -> tuple[int, object, int]:
        line, node = 1, self.value
        for followed, part in enumerate(where):
            entry = node.entry(part) if isinstance(node, (Block, Run)) else None
            if entry is None:
                return line, node, followed
            line, node = entry
        return line, node, len(where)


def grow(text: str) -> Tree:
    """Read YAML. Raises YamlTrouble where it is none."""
    growing = _Growing()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            growing.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = 1 if mark is None else mark.line + 1
        raise YamlTrouble(line, *in_words(error.problem or "", _line(text, line))) from error
    except yaml.YAMLError as error:
        raise YamlTrouble(1, "is no YAML: it holds a character that YAML does not allow") from error
    return Tree(growing.root, tuple(growing.repeated))


@dataclass(slots=True)
class _Frame:
    node: Block | Run
    line: int
    anchor: str | None
    key: str | None = None
    key_line: int = 0
    values: int = 1
    merges: list[Block] = field(default_factory=list)


class _Growing:
    """Puts events together. Holds after every event: `frames` are the open collections, outermost first."""

    def __init__(self) -> None:
        self.root: object = None
        self.repeated: list[Repeated] = []
        self._frames: list[_Frame] = []
        self._anchors: dict[str, tuple[object, int]] = {}
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Put in the next event."""
        mark = event.start_mark
        line = 1 if mark is None else mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._open(event, line)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                hint = "A text that begins with * needs quotes."
                raise YamlTrouble(line, "refers with * to something that is not named with & before it", hint)
            self._put(*self._anchors[event.anchor], line)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise YamlTrouble(line, "begins a second document with ---", "Keep everything in one.")

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        frame = self._frames[-1] if self._frames else None
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            raise _tagged(line)
        if frame is not None and isinstance(frame.node, Block) and frame.key is None:
            if event.anchor:
                self._anchors[event.anchor] = (event.value, 1)
            self._key(frame, event.value, line)
            return
        value = _plain_value(event.value) if event.tag is None and event.implicit[0] else event.value
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._put(value, 1, line)

    def _key(self, frame: _Frame, key: str, line: int) -> None:
        frame.key, frame.key_line = key, line
        found = frame.node.entry(key)
        if found is not None:
            self.repeated.append(Repeated(line, self._where(), found[0]))

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, line: int) -> None:
        if event.tag is not None:
            raise _tagged(line)
        if self._frames and isinstance(self._frames[-1].node, Block) and self._frames[-1].key is None:
            raise YamlTrouble(
                line, "has a list or mapping where a key should be", 'Quote a key that begins with [, { or "? ".'
            )
        if len(self._frames) >= MOST_DEPTH:
            raise YamlTrouble(line, f"is nested more than {MOST_DEPTH} deep")
        node = Block() if isinstance(event, yaml.MappingStartEvent) else Run()
        self._frames.append(_Frame(node, line, event.anchor))

    def _close(self) -> None:
        frame = self._frames.pop()
        if isinstance(frame.node, Block):
            for merged in frame.merges:
                frame.node.fill_up(merged)
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.node, frame.values)
        self._put(frame.node, frame.values, frame.line)

    def _put(self, value: object, values: int, line: int) -> None:
        if not self._frames:
            self.root = value
            return
        frame = self._frames[-1]
        frame.values += values
        if frame.values > MOST_VALUES:
            raise YamlTrouble(line, f"unfolds to more than {MOST_VALUES:,} values", "Use fewer aliases (*).")
        if isinstance(frame.node, Run):
            frame.node.append(value)
            frame.node.lines.append(line)
        elif frame.key is None:
            if not isinstance(value, str):
                raise YamlTrouble(line, "has an alias (*) for a key that is no text", "Write the key out.")
            self._key(frame, value, line)
        else:
            self._put_value(frame, frame.key, value, line)

    def _put_value(self, frame: _Frame, key: str, value: object, line: int) -> None:
        node = frame.node
        frame.key = None
        if key == _MERGE:
            for merged in value if isinstance(value, Run) else [value]:
                if not isinstance(merged, Block):
                    raise YamlTrouble(line, "merges with << something that is no mapping", "Write <<: *name.")
                frame.merges.append(merged)
        elif isinstance(node, Block) and key not in node:
            node[key] = value
            node.lines[key] = frame.key_line

    def _where(self) -> Where:
        return tuple((frame.key or "") if isinstance(frame.node, Block) else len(frame.node) for frame in self._frames)


def _plain_value(text: str) -> object:
    if text[:1] not in "~nNtTfF-+.0123456789":
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 0 if text[:2] in {"0o", "0x"} else 10)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _tagged(line: int) -> YamlTrouble:
    return YamlTrouble(line, "has a tag (!…)", "Tags mean nothing here. A text that begins with ! needs quotes.")


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1] if 0 < number <= len(lines) else ""
