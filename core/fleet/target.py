"""What is watched, worked on or told of: a kind and a name, written and stored as `server:uk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

# sites: those served from a server that answers itself. degraded: a server that answers, but not in full. link: the
# bot's own. fleet: everything.
TargetKind = Literal["server", "site", "nameserver", "sites", "degraded", "link", "fleet"]

_KINDS: Mapping[str, TargetKind] = {kind: kind for kind in get_args(TargetKind)}


class Target(NamedTuple):
    """A server, site or name server by its name, or what is told of them. `str` writes what `parse` reads.

    A tuple, since thousands a second are looked up.
    """

    kind: TargetKind
    name: str = ""

    def __str__(self) -> str:
        """Write it: `server:uk`, `fleet`."""
        return f"{self.kind}:{self.name}" if self.name else self.kind

    @staticmethod
    def parse(text: str) -> Target:
        """Read what `str` wrote. Raises ValueError for a kind that there is not."""
        kind, _, name = text.partition(":")
        if kind not in _KINDS:
            raise ValueError(text)
        return Target(_KINDS[kind], name)

    @staticmethod
    def server(name: str) -> Target:
        """Return the server of this name."""
        return Target("server", name)

    @staticmethod
    def site(name: str) -> Target:
        """Return the site of this name."""
        return Target("site", name)

    @staticmethod
    def nameserver(name: str) -> Target:
        """Return the name server of this name."""
        return Target("nameserver", name)


FLEET = Target("fleet")
