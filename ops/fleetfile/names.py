"""Names as the file writes them: of hosts and zones, of sites, servers and logins."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import idna

from core.units import shown
from ops.fleetfile.wrong import Wrong, printable
from ops.people.local_users import login_of

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_HOST_NAME = 253
LONGEST_LABEL = 63

_PLAIN_HOST = re.compile(r"(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_UID = re.compile(r"[0-9]{1,9}", re.ASCII)
_LOGIN = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}"


def host_name(text: str) -> str:
    """Read a host name: A-labels in lower case without the final dot (RFC 1123, section 2.1; IDNA 2008, RFC 5891).

    Raises Wrong for underscores, wildcards, addresses and whatever no host may be called.
    """
    if "_" in text:
        raise Wrong(f"{shown(text)} has an underscore", "Host names are made of letters, digits and hyphens.")
    return zone_name(text)


@lru_cache(maxsize=65_536)
def known_zone_name(text: str) -> str | None:
    """Return `text` as `zone_name` reads it; None where it is no such name."""
    try:
        return zone_name(text)
    except Wrong:
        return None


def zone_name(text: str) -> str:
    """Read a zone's or a key's name: like a host name, but labels may hold underscores (RFC 2181, section 11)."""
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
        why = printable(str(error)).rstrip(".")
        raise Wrong(f"{shown(whole)} is no host name: {why}", "It must follow IDNA 2008.") from error


def one_line(longest: int, what: str) -> Callable[[str], str]:
    """Return what reads any printable text on one line: it is shown and typed, and never reaches a shell as it is."""

    def read(text: str) -> str:
        if not text or not text.isprintable():
            raise Wrong(f"{shown(text)} cannot be {what}", "Printable characters on one line, at least one.")
        if text != text.strip():
            raise Wrong(f"{shown(text)} begins or ends with a space", "Nobody could type it. Remove the space.")
        if len(text) > longest:
            raise Wrong(f"{shown(text)} is too long: {len(text)} characters", f"At most {longest}.")
        return text

    return read


def spelled(pattern: str, otherwise: str, hint: str) -> Callable[[str], str]:
    """Return what reads a text that is spelled like `pattern`; `otherwise`: what is said of another."""
    compiled = re.compile(pattern)

    def read(text: str) -> str:
        if not compiled.fullmatch(text):
            raise Wrong(f"{shown(text)} {otherwise}", hint)
        return text

    return read


site_name = one_line(255, "a site's name")
label_text = one_line(100, "a name")
database_name = one_line(100, "a database's name")
# It is typed in chat and fills {server} in paths.
server_name = spelled(
    r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
    "cannot be a server's name",
    "Letters, digits, dots, hyphens and underscores, beginning with a letter or digit, at most 63.",
)
login = spelled(_LOGIN, "cannot be a user's name", "Write it as it stands in that server's /etc/passwd.")
# As chown(1) takes it.
owner = spelled(f"{_LOGIN}(:{_LOGIN})?", "is no owner of files", "Write USER or USER:GROUP, as on that server.")
slack_person = spelled(
    "[UWS][A-Z0-9]{2,}",
    "is no id of a Slack user or user group",
    "Ids begin with U or W (a person: profile, “Copy member ID”) or S (a user group).",
)
slack_user = spelled(
    "[UW][A-Z0-9]{2,}",
    "is no id of a Slack user",
    "Ids begin with U or W (the person's profile, “Copy member ID”).",
)
slack_team = spelled("T[A-Z0-9]{2,}", "is no id of a Slack workspace", "Ids begin with T; `check --live` shows it.")
slack_enterprise = spelled("E[A-Z0-9]{2,}", "is no id of a Slack organisation", "Ids begin with E.")
slack_app = spelled("A[A-Z0-9]{2,}", "is no id of a Slack app", "Ids begin with A; the app's page shows it.")
slack_channel = spelled(
    "[CG][A-Z0-9]{2,}",
    "is no id of a Slack channel",
    "Ids begin with C; the channel's details show it at the bottom. Its name is not enough: names change.",
)


# What IMAP takes in a quoted string and a program as one word, that is no option of it.
_mail_login = spelled(
    r"(?![-@])[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}",
    "is no login of a mailbox",
    "Write it as the mail server knows it, like ann@example.org.",
)


def mail_user(text: str) -> str:
    """Read the login of a mailbox; where it is an address, its domain is normalised like a host name."""
    login_name, at, domain = text.rpartition("@")
    return f"{_mail_login(login_name)}@{host_name(domain)}" if at else _mail_login(text)


def login_of_uid(text: str) -> str:
    """Read a user's number on this machine, and return the login name; the number itself where it has none."""
    if not _UID.fullmatch(text):
        raise Wrong(f"{shown(text)} is no uid", "Write the number that the program id says of the user: id -u NAME.")
    return login_of(int(text))


def mail_address(text: str) -> str:
    """Read a mail address; its domain is normalised like a host name."""
    local, at, domain = text.rpartition("@")
    if not at or not local or not local.isascii() or not local.isprintable() or set(local) & set(' "(),:;<>@[\\]'):
        raise Wrong(f"{shown(text)} is no mail address", "Write it like postmaster@example.org.")
    return f"{local}@{host_name(domain)}"
