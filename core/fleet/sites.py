"""The sites: what moves together, where it lives, and what is done around its moves."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet.access import SecretRef


@dataclass(frozen=True, slots=True)
class SiteCheck:
    """What a healthy answer of a site looks like. contains, redirect, within: None: any."""

    path: str = "/"
    status: int = 200
    contains: str | None = None
    redirect: str | None = None
    within: timedelta | None = None
    certificate: timedelta = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a site, by the same name and with the same access on every server that holds the site.

    engine: one that `ops.databases.engines` has. socket: its socket, or for PostgreSQL the folder of it; may hold
    `{server}`. port: of TCP on the server's own loopback, where there is no socket. user, password: None leaves them to
    what is set up for the SSH user there (its own name, `~/.my.cnf`, `~/.pgpass`, peer authentication).
    """

    engine: str
    name: str
    socket: str | None = None
    port: int | None = None
    user: str | None = None
    password: SecretRef | None = None

    def socket_on(self, server: str) -> str | None:
        """Return the path of its socket on `server`, or None."""
        return None if self.socket is None else self.socket.replace("{server}", server)


@dataclass(frozen=True, slots=True)
class Hook:
    """A command at one moment of a sync or a cutover. on: `source`, `target`, or a server's name."""

    on: str
    run: str
    timeout: timedelta = timedelta(seconds=60)

    def server(self, source: str, target: str) -> str:
        """Return the server that it runs on."""
        return {"source": source, "target": target}.get(self.on, self.on)


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a site wants done around its syncs and cutovers. A failing *before* or *freeze* stops what it precedes."""

    before_sync: tuple[Hook, ...] = ()
    after_sync: tuple[Hook, ...] = ()
    before_cutover: tuple[Hook, ...] = ()
    after_cutover: tuple[Hook, ...] = ()
    freeze: tuple[Hook, ...] = ()
    thaw: tuple[Hook, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """One site: the names that move with it, its content, where it lives and where copies are kept.

    `mirrors` is in order of preference; empty: an exception, kept nowhere else. `sync` is "daily", "off" or a cron
    expression. bandwidth: the most that a copy may take, in bytes a second; None: the fleet's. owner: by server, the
    `USER` or `USER:GROUP` that its files belong to there, where users differ from server to server. work: by server,
    the folder in which its work folder lies there, where that is not the one around the root. located: by server, the
    folder that its root there is a link to, or the root itself, once that was asked for.
    """

    name: str
    home: str
    mirrors: tuple[str, ...]
    names: tuple[str, ...]
    root: str
    exclude: tuple[str, ...] = ()
    check: SiteCheck = SiteCheck()
    sync: str = "daily"
    max_age: timedelta = timedelta(hours=26)
    databases: tuple[Database, ...] = ()
    hooks: Hooks = Hooks()
    bandwidth: int | None = None
    owner: Mapping[str, str] = field(default_factory=dict, hash=False)
    work: Mapping[str, str] = field(default_factory=dict, hash=False)
    located: Mapping[str, str] = field(default_factory=dict, hash=False)

    def root_on(self, server: str) -> str:
        """Return the path of this site's content on `server`."""
        return self.located.get(server) or self.named_root_on(server)

    def named_root_on(self, server: str) -> str:
        """Return the same as app.yaml has it, a link or not."""
        return self.root.replace("{server}", server)

    def work_on(self, server: str) -> str:
        """Return the folder on `server` in which its work folder lies."""
        named = self.work.get(server)
        return named or posixpath.dirname(posixpath.normpath(self.named_root_on(server)))

    @property
    def servers(self) -> tuple[str, ...]:
        """Every server that holds this site: its home first, then its mirrors."""
        return (self.home, *self.mirrors)
