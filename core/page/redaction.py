"""What may be said to everybody: no addresses, hosts, users or paths in what was observed, no text that hides text."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass

HIDDEN = "…"
LONGEST_CAUSE = 2000

_LINK = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_MAILBOX = re.compile(r"[^\s@]+@[^\s@]+")
_HOST = re.compile(r"(?<![\w.-])(?:[\w-]+\.)+[^\W\d][\w-]+(?![\w-])")
_LOGIN = re.compile(r"\b(user|key|login|host) [\"'`]?[^\s,;]+")
_PATH = re.compile(r"(?<!\w)~?(?:/[^\s/,;]+)+/?")
# Without and with a port: 192.0.2.7:80, [2001:db8::7]:80.
_FOUR = re.compile(r"(?<!\d)(?:\d{1,3}\.){3}\d{1,3}(?::\d+|/\d+)?(?![\d.]*\d)")
_ADDRESS = re.compile(r"\[[0-9a-f:.]+(?:%\w+)?\](?::\d+)?|[0-9a-f:.]*:[0-9a-f:.]*(?:%\w+)?(?:/\d+)?", re.IGNORECASE)
_BLANK = re.compile(r"[\t\r\n\x0b\x0c]")
_SPACES = re.compile(r"\s+")
# Format characters turn text round or hide it; surrogates cannot be written at all.
_UNSAID = frozenset({"Cc", "Cf", "Cs", "Cn", "Co"})


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a fleet's pages may say. hidden: names that stand on no page; addresses: whether addresses do."""

    hidden: frozenset[str] = frozenset()
    addresses: bool = False

    def observed(self, text: str) -> str:
        """Say what was observed: what could name a machine, a user or a place on a disk is left out."""
        said = _LINK.sub(HIDDEN, plain(text))
        said = _MAILBOX.sub(HIDDEN, said)
        said = self._without_addresses(said)
        said = _HOST.sub(HIDDEN, said)
        said = _LOGIN.sub(rf"\1 {HIDDEN}", said)
        return self._without_hidden(_PATH.sub(HIDDEN, said))

    def written(self, text: str) -> str:
        """Say what a person wrote for everybody to read; only addresses and hidden names are left out."""
        said = self._without_hidden(self._without_addresses(plain(text)))
        return said if len(said) <= LONGEST_CAUSE else said[: LONGEST_CAUSE - 1] + HIDDEN

    def _without_addresses(self, text: str) -> str:
        return text if self.addresses else _FOUR.sub(HIDDEN, _ADDRESS.sub(_unless_address, text))

    def _without_hidden(self, text: str) -> str:
        for name in sorted(self.hidden, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", HIDDEN, text, flags=re.IGNORECASE)
        return text


def plain(text: str) -> str:
    """Return text on one line, without characters that turn it round, hide it or cannot be written in XML."""
    kept = "".join(one for one in _BLANK.sub(" ", text) if unicodedata.category(one) not in _UNSAID)
    return _SPACES.sub(" ", kept).strip()


def _unless_address(found: re.Match[str]) -> str:
    text = found[0]
    if text.startswith("["):
        return HIDDEN if _is_address(text[1:].partition("]")[0]) else text
    bare = text.partition("/")[0]
    for kept in (bare, bare.rstrip(".,"), bare.rstrip(".,:")):
        if _is_address(kept):
            return HIDDEN + bare[len(kept) :]
    return text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
