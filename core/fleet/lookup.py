"""What a person means by the name of a site, a server, a name server or a zone."""

from __future__ import annotations

import unicodedata
from difflib import get_close_matches
from typing import TYPE_CHECKING

from core.errors import UsageError
from core.fleet.target import Target
from core.wording import listing, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet, MailDomain, Site


def site_named(text: str, fleet: Fleet) -> Site:
    """Return the site called `text`, or the one that has it among its names. Raises UsageError with the nearest."""
    if text in fleet.sites:
        return fleet.sites[text]
    name = _host(text)
    found = next((site for site in fleet.sites.values() if name in site.names), None)
    if found is not None:
        return found
    raise UsageError(f"There is no site {shortened(text)!r}.", hint=_nearest(text, fleet.sites))


def server_named(text: str, fleet: Fleet) -> str:
    """Return the name of the server called `text`. Raises UsageError with the nearest."""
    if text in fleet.servers:
        return text
    raise UsageError(f"There is no server {shortened(text)!r}.", hint=_nearest(text, fleet.servers))


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
        raise UsageError(f"There is no server or site {shortened(text)!r}.", hint=_nearest(text, known)) from None


def target_named(text: str, fleet: Fleet) -> Target:
    """Return the server, site or name server that `text` means; a site by any of its names.

    Raises UsageError with the nearest of all.
    """
    if text in fleet.servers:
        return Target.server(text)
    nameservers = [server.name for server in fleet.dns.nameservers]
    if text not in fleet.sites and text in nameservers:
        return Target.nameserver(text)
    try:
        return Target.site(site_named(text, fleet).name)
    except UsageError:
        hosts = [host for site in fleet.sites.values() for host in site.names]
        known = dict.fromkeys([*fleet.servers, *nameservers, *fleet.sites, *hosts])
        raise UsageError(
            f"There is no server, site or name server {shortened(text)!r}.", hint=_nearest(text, known)
        ) from None


def mail_domain_named(text: str, fleet: Fleet) -> MailDomain:
    """Return the mail domain that a person means; an address means its own. Raises UsageError with the nearest."""
    domains = fleet.mail.domains if fleet.mail is not None else {}
    name = _host(text.rpartition("@")[2])
    if name not in domains:
        hint = _nearest(text, domains) if domains else "app.yaml has none under mail.domains."
        raise UsageError(f"{shortened(text)!r} is no mail domain of this fleet.", hint=hint)
    return domains[name]


def zone_named(text: str, fleet: Fleet) -> str:
    """Return the zone that a person means: a zone, or any name in one. Raises UsageError with the nearest zone."""
    try:
        return fleet.zone_of(_host(text))
    except LookupError:
        hint = _nearest(text, dict.fromkeys(fleet.dns.zones))
        raise UsageError(f"{shortened(text)!r} is in no zone of this fleet.", hint=hint) from None


def _host(text: str) -> str:
    """Write what was typed as host names are kept: lower case, no dot at the end, A-labels (RFC 5891)."""
    labels = unicodedata.normalize("NFC", text.lower()).rstrip(".").split(".")
    return ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode('ascii')}" for one in labels)


def _nearest(text: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(text, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"There are {listing(tuple(known))}."
