"""What people say of an incident: its cause, and notes; and which incident they mean. Values only.

An incident is an outage, known by its number (`7`), or a maintenance, known by `M` and its number (`M3`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.errors import UsageError
from core.reply import Part, Text, Typed
from core.wording import clock_time, count, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

Kind = Literal["outage", "maintenance"]
AnnotationKind = Literal["cause", "note"]

LONGEST = 500
SHOWN_NOTES = 5
IN_TITLE = 80
_ID = re.compile(r"#?(m?)([0-9]{1,9})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Annotation:
    """One thing that somebody said of an incident. who: a person's label."""

    kind: AnnotationKind
    text: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """A message in the thread of an incident's own message, by which somebody said something of an incident.

    key: names the message for ever, so that it counts once. card: of whose thread it is, where it need not be repeated.
    at: when it was written.
    """

    key: str
    card: str
    at: datetime


def parse_label(text: str) -> tuple[Kind, int] | None:
    """Return the kind and number that `text` names: `7`, `#7` or `M3`; None where it is no incident's name."""
    found = _ID.fullmatch(text)
    if found is None:
        return None
    return ("maintenance" if found[1] else "outage"), int(found[2])


def incident_of_card(card: str) -> tuple[Kind, int] | None:
    """Return the kind and number in the key of an incident's card: `outage:7`; None for the cards of other things."""
    kind, _, number = card.partition(":")
    if kind not in {"outage", "maintenance"} or not number.isdecimal():
        return None
    return ("maintenance" if kind == "maintenance" else "outage"), int(number)


def label_of(kind: Kind, number: int) -> str:
    """Return how people name an incident: `7`, `M3`."""
    return f"M{number}" if kind == "maintenance" else str(number)


def id_and_text(words: Sequence[str]) -> tuple[str | None, str]:
    """Split what was typed after `cause` or `note` into the incident's name, None where there is none, and the text.

    A name alone has no text: `cause 7` is a line broken off, and `7` no cause for everybody to read.
    """
    if parse_label(words[0]) is not None:
        return words[0], " ".join(words[1:])
    return None, " ".join(words)


def plain_text(text: str) -> str:
    """Return the text on one line, without characters that cannot be seen. Raises UsageError: none left, or too long.

    It goes to cards, the record and, as a cause, to the status pages.
    """
    one_line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if not one_line:
        raise UsageError("There is no text.", hint='Write it in quotes, like "a disk died".')
    if len(one_line) > LONGEST:
        raise UsageError(
            f"That has {len(one_line):,} characters, {len(one_line) - LONGEST:,} too many.",
            hint=f"At most {LONGEST}, in one or two sentences; more goes into notes, as many as you like.",
        )
    return one_line


def cause_of(annotations: Iterable[Annotation]) -> Annotation | None:
    """Return the cause that was given last; None: none was."""
    causes = [one for one in annotations if one.kind == "cause"]
    return causes[-1] if causes else None


def with_cause(title: str, annotations: Iterable[Annotation]) -> str:
    """Return the title of something that is over, with its cause, cut where it is long."""
    cause = cause_of(annotations)
    if cause is None:
        return title
    return f"{title}; cause: {shortened(cause.text, IN_TITLE)}"


def annotation_parts(annotations: Iterable[Annotation], timezone: str, now: datetime) -> list[Part]:
    """Show the cause, then the newest notes in the order in which they were said."""
    whole = list(dict.fromkeys(annotations))
    cause, notes = cause_of(whole), [one for one in whole if one.kind == "note"]
    parts: list[Part] = []
    if cause is not None:
        parts.append(Text(f"Cause: {cause.text} ({cause.who}, {clock_time(cause.at, timezone, now)})"))
    if len(notes) > SHOWN_NOTES:
        parts.append(Text(f"{count(len(notes) - SHOWN_NOTES, 'older note')} in the thread."))
    newest = notes[-SHOWN_NOTES:]
    return [*parts, *(Text(f"{clock_time(one.at, timezone, now)}, {one.who}: {one.text}") for one in newest)]


def cause_hint(label: str) -> Part:
    """Return the line to type for adding the cause."""
    return Typed(f'sharpnet cause {label} "…"')


def thread_line(one: Annotation) -> str:
    """Return what the thread of the card says of it."""
    return f"Cause, says {one.who}: {one.text}" if one.kind == "cause" else f"{one.who}: {one.text}"
