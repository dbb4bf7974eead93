"""A fleet file as it was written, read with tolerance: any part of it may be missing or broken."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address
from typing import TYPE_CHECKING

from core.units import shown
from core.wording import listing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    HostName = Callable[[str], str | None]

Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """One thing that is wrong at `where`. Not `serious`: a warning; the fleet can be worked with."""

    where: Where
    message: str
    hint: str = ""
    serious: bool = True


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """Return `Did you mean X?` for the nearest of `known`; empty where none is near."""
    near = get_close_matches(text, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else ""


def at(tree: object, *where: str) -> object:
    """Return what stands at `where`; None where nothing does."""
    for part in where:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def mapping_at(tree: object, *where: str) -> Mapping[str, object]:
    """Return the mapping at `where`; an empty one where there is none."""
    found = at(tree, *where)
    return found if isinstance(found, dict) else {}


def entries_at(tree: object, *where: str) -> list[object]:
    """Return the list at `where`; an empty one where there is none."""
    found = at(tree, *where)
    return found if isinstance(found, list) else []


def texts_at(tree: object, *where: str) -> list[tuple[int, str]]:
    """Return the texts in the list at `where`, each with its place in it."""
    return [(index, entry) for index, entry in enumerate(entries_at(tree, *where)) if isinstance(entry, str)]


def address_of(value: object) -> str | None:
    """Return an address in one spelling; None where it is none."""
    try:
        return str(ip_address(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def no_such_server(where: Where, name: str, servers: Mapping[str, object]) -> Iterator[Inconsistency]:
    """Yield the trouble where `name` is none of `servers`; nothing where no server can be read at all."""
    if servers and name not in servers:
        hint = did_you_mean(name, servers) or f"The servers are {listing(list(servers))}."
        yield Inconsistency(where, f"there is no server {shown(name)}", hint)
