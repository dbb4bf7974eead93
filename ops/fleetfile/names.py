"""Names as the file writes them: of hosts and zones, of sites, servers and logins."""

from __future__ import annotations

import re
from functools import lru_cache

import idna

from core.units import shown
from ops.fleetfile.wrong import Wrong

LONGEST_HOST_NAME = 253
LONGEST_LABEL = 63
LONGEST_SITE_NAME = 255
LONGEST_LABEL_TEXT = 100

_PLAIN_HOST = re.compile(r"(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", re.ASCII)
_PERSON = re.compile(r"[UWS][A-Z0-9]{2,}", re.ASCII)
_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,}", re.ASCII)


def host_name(text: str) -> str:
    """Read a host name: A-labels in lower case without the final dot (RFC 1123, section 2.1; IDNA 2008, RFC 5891).

    Raises Wrong for underscores, wildcards, addresses and whatever no host may be called.
    """
    if "_" in text:
        raise Wrong(f"{shown(text)} has an underscore", "Host names are made of letters, digits and hyphens.")
    return _dns_name(text)


def zone_name(text: str) -> str:
    """Read a zone's or a key's name: like a host name, but labels may hold underscores (RFC 2181, section 11)."""
    return _dns_name(text)


@lru_cache(maxsize=65_536)
def known_zone_name(text: str) -> str | None:
    """Return `text` as `zone_name` reads it; None where it is no such name."""
    try:
        return _dns_name(text)
    except Wrong:
        return None


def _dns_name(text: str) -> str:
    bare = text[:-1] if text.endswith((".", "\u3002")) else text
    if "*" in bare:
        raise Wrong(
            f"{shown(text)} is a wildcard: it answers for names that nobody listed, so nobody can see what would move",
            "List each name.",
        )
    if not bare:
        raise Wrong(f"{shown(text)} is no name", "Write a name like www.example.org.")
    labels = [_label(label, text) for label in re.split("[.\u3002\uff0e\uff61]", bare)]
    name = ".".join(labels)
    if len(name) > LONGEST_HOST_NAME:
        raise Wrong(f"{shown(text)} is too long: {len(name)} characters", f"At most {LONGEST_HOST_NAME}.")
    if labels[-1].isdigit():
        raise Wrong(f"{shown(text)} is no name but an address or a number", "Write the name that people type.")
    return name


def _label(label: str, whole: str) -> str:
    lower = label.lower() if label.isascii() else label
    if _PLAIN_HOST.fullmatch(lower.replace("_", "x")):
        return lower
    if not label:
        raise Wrong(f"{shown(whole)} has an empty part between dots", "Write single dots.")
    if label.isascii() and not lower.startswith("xn--"):
        hint = f"Letters, digits and hyphens, not at the ends, at most {LONGEST_LABEL} characters between dots."
        raise Wrong(f"{shown(whole)} is no host name", hint)
    try:
        return idna.encode(lower, uts46=True, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise Wrong(f"{shown(whole)} is no host name: {_plain(str(error))}", "It must follow IDNA 2008.") from error


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text).rstrip(".")


def site_name(text: str) -> str:
    """Read a site's name: any printable text. It is shown and typed, and never reaches a shell as it is."""
    return _printable(text, LONGEST_SITE_NAME, "a site's name")


def label_text(text: str) -> str:
    """Read a short text that is only shown: a fleet's name, a place."""
    return _printable(text, LONGEST_LABEL_TEXT, "a name")


def _printable(text: str, longest: int, what: str) -> str:
    if not text or not text.isprintable():
        raise Wrong(f"{shown(text)} cannot be {what}", "Printable characters on one line, at least one.")
    if text != text.strip():
        raise Wrong(f"{shown(text)} begins or ends with a space", "Nobody could type it. Remove the space.")
    if len(text) > longest:
        raise Wrong(f"{shown(text)} is too long: {len(text)} characters", f"At most {longest}.")
    return text


def server_name(text: str) -> str:
    """Read a server's or name server's name: it is typed in chat and fills {server} in paths."""
    if not _SERVER.fullmatch(text) or ".." in text:
        hint = "Letters, digits, dots, hyphens and underscores, beginning with a letter or digit, at most 63."
        raise Wrong(f"{shown(text)} cannot be a server's name", hint)
    return text


def login(text: str) -> str:
    """Read the name of a user on a server."""
    if not _LOGIN.fullmatch(text):
        raise Wrong(f"{shown(text)} cannot be a user's name", "Write it as it stands in that server's /etc/passwd.")
    return text


def owner(text: str) -> str:
    """Read whose files are, as chown(1) takes it: `USER` or `USER:GROUP`."""
    user, colon, group = text.partition(":")
    if not _LOGIN.fullmatch(user) or (colon and not _LOGIN.fullmatch(group)):
        raise Wrong(f"{shown(text)} is no owner of files", "Write USER or USER:GROUP, as on that server.")
    return text


def hook_place(text: str) -> str:
    """Read where a hook runs: `source`, `target`, or a server's name."""
    return server_name(text)


def database_name(text: str) -> str:
    """Read a database's name."""
    return _printable(text, LONGEST_LABEL_TEXT, "a database's name")


def slack_person(text: str) -> str:
    """Read the id of a Slack user (U…, W…) or user group (S…)."""
    if not _PERSON.fullmatch(text):
        hint = "Ids begin with U or W (a person: profile, “Copy member ID”) or S (a user group)."
        raise Wrong(f"{shown(text)} is no id of a Slack user or user group", hint)
    return text


def slack_channel(text: str) -> str:
    """Read the id of a Slack channel (C…, G…)."""
    if not _CHANNEL.fullmatch(text):
        hint = "Ids begin with C; the channel's details show it at the bottom. Its name is not enough: names change."
        raise Wrong(f"{shown(text)} is no id of a Slack channel", hint)
    return text


def mail_address(text: str) -> str:
    """Read a mail address; its domain is normalised like a host name."""
    local, at, domain = text.rpartition("@")
    if not at or not local or not local.isascii() or not local.isprintable() or set(local) & set(' "(),:;<>@[\\]'):
        raise Wrong(f"{shown(text)} is no mail address", "Write it like postmaster@example.org.")
    return f"{local}@{host_name(domain)}"
