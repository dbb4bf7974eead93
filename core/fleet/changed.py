"""What of a fleet file has changed since the bot was started: people count at once, everything else from a start on."""

from __future__ import annotations

from dataclasses import fields, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from core.wording import listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet, SlackAccess

# These are read from the file whenever they are used.
AT_ONCE = frozenset({"approval"})


def digests(fleet: Fleet) -> Mapping[str, str]:
    """Return for each section of the file, people left out, a short text that changes with it."""
    return {
        field.name: sha256(repr(_section(fleet, field.name)).encode()).hexdigest()[:16]
        for field in fields(fleet)
        if field.init and field.name not in AT_ONCE
    }


def changed_sections(now: Mapping[str, str], then: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the sections that differ, by their `digests`; one that either did not know does not."""
    return tuple(name for name, digest in now.items() if then.get(name, digest) != digest)


def changed_in_words(sections: tuple[str, ...]) -> str:
    """Say that the bot goes by an older file."""
    return f"app.yaml has changed since the bot was started ({listing(sections)}): only its people count already"


def _section(fleet: Fleet, name: str) -> object:
    return _without_people(fleet.slack) if name == "slack" else getattr(fleet, name)


def _without_people(slack: SlackAccess | None) -> SlackAccess | None:
    if slack is None:
        return None
    return replace(slack, operators=(), approvers=(), terminal={}, second_factor=None, guests=())
