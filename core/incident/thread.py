"""What a reply in the thread of an incident's message means; values only.

`ack`, `cause …` and `note …` are the commands, of this thread's incident; what decides about something else is refused,
and everything else is a note.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from core.incident.notes import LONGEST, label_of, parse_label
from core.wording import shortened

if TYPE_CHECKING:
    from collections.abc import Collection

    from core.incident.notes import Kind

Verb = Literal["ack", "cause", "note"]

_ACK: Final = re.compile(r"(?:[/@]?sharpnet\s+)?ack(?:\s+(\S*[0-9]))?[\s.!]*", re.IGNORECASE)
_SAYING: Final = re.compile(r"(?:[/@]?sharpnet\s+)?(cause|note)(?:\s*:\s*|\s+|$)(.*)", re.IGNORECASE | re.DOTALL)
# What begins so is meant to be done, or reads as if it had been: under an alert nothing of it is.
_DECIDES: Final = re.compile(
    r"(?:(?:[/@]?sharpnet\s+)?(?:approve[ds]?|cancel|rollback|failover|failback)"
    r"|[/@]?sharpnet\s+(?:sync|backup|maintenance|store))\b",
    re.IGNORECASE,
)
_APPROVES: Final = re.compile(r"\bapprov", re.IGNORECASE)
_MARKUP: Final = " \t\n*_~`>\"'"
_WORD: Final = re.compile(r"\w+")
_QUOTED: Final = re.compile(r"""["'\u201c\u201d\u2018\u2019](.*)["'\u201c\u201d\u2018\u2019]""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ThreadCommand:
    """A line to be typed for whoever replied: `verb`, the incident's label, and the text, None for `ack`.

    typed: whether they typed the command, and so wait for an answer; False: they wrote to the others in the thread.
    """

    verb: Verb
    label: str
    text: str | None
    typed: bool


def command_in(text: str, kind: Kind, number: int) -> ThreadCommand | None:
    """Return what a reply in the thread of this incident means; None where it holds no words.

    A number before the text is the incident's only where the text is in quotes, or the number is this incident's: in
    `cause 2 disks died` it is a part of the text. A note is cut where it is too long for one: the thread has all of it.
    """
    reply, here = text.strip(), label_of(kind, number)
    if not reply:
        return None
    ack = _ACK.fullmatch(reply)
    if ack is not None and kind == "outage":
        return ThreadCommand("ack", ack[1] or here, None, typed=True)
    saying = _SAYING.fullmatch(reply)
    if saying is None:
        return ThreadCommand("note", here, shortened(" ".join(reply.split()), LONGEST), typed=False)
    verb: Verb = "cause" if saying[1].lower() == "cause" else "note"
    label, text = _named(saying[2].strip(), here)
    return ThreadCommand(verb, label, text, typed=True)


def why_no_note(text: str, waiting: Collection[str]) -> str | None:
    """Say why a reply that is no command of a thread must not be kept as a note either, or None.

    waiting: the ids of the plans that wait for approval. A mark beside what decides about one would read as done.
    """
    decides = _DECIDES.match(text.lstrip(_MARKUP))
    if decides is not None:
        words = " ".join(decides[0].lower().removeprefix("/").removeprefix("@").removeprefix("sharpnet").split())
        return f"`{words}` is not carried out under an alert, and was not kept as a note."
    named = next((word.upper() for word in _WORD.findall(text) if word.upper() in waiting), None)
    if named is not None:
        return f"Plan {named} is not decided under an alert; what you wrote was not kept as a note."
    if waiting and _APPROVES.search(text):
        return "Nothing is approved under an alert; what you wrote was not kept as a note."
    return None


def _named(rest: str, here: str) -> tuple[str, str]:
    """Split what follows `cause` or `note` into the incident's label and the text."""
    first, _, after = rest.partition(" ")
    if parse_label(first) is not None and after.strip():
        quoted = _QUOTED.fullmatch(after.strip())
        if quoted is not None:
            return first, quoted[1]
        if parse_label(first) == parse_label(here):
            return here, after.strip()
    quoted = _QUOTED.fullmatch(rest)
    return here, quoted[1] if quoted is not None else rest
