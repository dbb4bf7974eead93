"""What a person means by the name of a site or a server."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from core.errors import UsageError
from core.words import listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet, Site


def site_named(text: str, fleet: Fleet) -> Site:
    """Return the site called `text`, or the one that has it among its names. Raises UsageError with the nearest."""
    if text in fleet.sites:
        return fleet.sites[text]
    name = text.lower().rstrip(".")
    found = next((site for site in fleet.sites.values() if name in site.names), None)
    if found is not None:
        return found
    raise UsageError(f"There is no site {text!r}.", hint=_nearest(text, fleet.sites))


def server_named(text: str, fleet: Fleet) -> str:
    """Return the name of the server called `text`. Raises UsageError with the nearest."""
    if text in fleet.servers:
        return text
    raise UsageError(f"There is no server {text!r}.", hint=_nearest(text, fleet.servers))


def server_or_site_named(text: str, fleet: Fleet) -> str:
    """Return the name of the server or site called `text`, or of the site that has it among its names.

    Raises UsageError with the nearest of both.
    """
    if text in fleet.servers:
        return text
    try:
        return site_named(text, fleet).name
    except UsageError:
        known = {**fleet.servers, **fleet.sites}
        raise UsageError(f"There is no server or site {text!r}.", hint=_nearest(text, known)) from None


def _nearest(text: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(text, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"There are {listing(tuple(known))}."
