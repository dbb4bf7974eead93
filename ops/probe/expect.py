"""Asking a server for a site by name, and comparing status and content with what the site's check says."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from ops.contracts import Look
from ops.probe.http import HttpAnswer, NotHttpError
from ops.probe.lines import Listener

if TYPE_CHECKING:
    from core.fleet import SiteCheck

BODY_LIMIT_BYTES = 256 * 1024
LOCATION_LETTERS = 120
# What may stand in a request's target as it is; everything else is percent-encoded, so nothing can break the line.
PLAIN = "/?#[]@!$&'()*+,;=:%~"


def request_for(name: str, path: str) -> bytes:
    """Return the request for `path` of the site `name`; the connection is closed after the answer."""
    target = quote(path if path.startswith("/") else f"/{path}", safe=PLAIN)
    return (
        f"GET {target} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: Sharpnet\r\nAccept: */*\r\n"
        "Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
    ).encode("ascii")


class SiteListener(Listener):
    """Reads a site's answer, no further than needed to know whether it is the right one. A redirect is a status."""

    def __init__(self, name: str, check: SiteCheck) -> None:
        self._name = name
        self._check = check
        self._contains = check.contains.encode() if check.contains is not None else None
        self._answer = HttpAnswer(BODY_LIMIT_BYTES)

    def opening(self) -> bytes:
        """Ask for the page."""
        return request_for(self._name, self._check.path)

    def heard(self, received: bytes) -> Look | None:
        """Return what was found, as soon as it is known."""
        try:
            self._answer.feed(received)
        except NotHttpError:
            return Look(ok=False, why="it answers, but not in HTTP")
        return self._found()

    def ended(self) -> Look:
        """Say what was found when the connection was closed."""
        if self._answer.status is None:
            return Look(ok=False, why="it closed the connection without an answer")
        self._answer.end()
        return self._found() or Look(ok=True)

    def _found(self) -> Look | None:
        status = self._answer.status
        if status is None:
            return None
        if status != self._check.status:
            return Look(ok=False, why=f"status {status} instead of {self._check.status}")
        if self._check.redirect is not None and self._answer.location != self._check.redirect:
            return Look(ok=False, why=f"it redirects to {_shown(self._answer.location)}, not to {self._check.redirect}")
        if self._contains is None or self._contains in self._answer.body:
            return Look(ok=True)
        if not self._answer.whole:
            return None
        where = f" in its first {BODY_LIMIT_BYTES // 1024} KiB" if self._answer.cut else ""
        return Look(ok=False, why=f"the page does not contain {self._check.contains!r}{where}")


def _shown(location: str) -> str:
    """Write where an answer redirects to, whatever it holds, on one line and no longer than people read."""
    if not location:
        return "nowhere"
    plain = "".join(letter if letter.isprintable() else "?" for letter in location)
    return plain if len(plain) <= LOCATION_LETTERS else plain[:LOCATION_LETTERS] + "…"


class BannerListener(Listener):
    """Waits for the identification of an SSH server (RFC 4253, section 4.2), and says nothing."""

    LIMIT_BYTES = 16 * 1024

    def __init__(self) -> None:
        self._heard = b"\n"

    def heard(self, received: bytes) -> Look | None:
        """Return a good look once a line begins with the identification; other lines may come first."""
        self._heard += received
        if b"\nSSH-2.0-" in self._heard or b"\nSSH-1.99-" in self._heard:
            return Look(ok=True)
        if len(self._heard) > self.LIMIT_BYTES:
            return Look(ok=False, why="it answers, but not in SSH")
        return None

    def ended(self) -> Look:
        """Say that it did not identify itself, as sshd does when it has too many connections already."""
        return Look(ok=False, why="it closed the connection without an SSH banner")
