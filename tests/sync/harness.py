"""A lab with many small sites, and the ports of a process that copies them."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from unittest.mock import patch

from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer, split_line
from core.people import Person, Role
from jobs.sync import sync_site
from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet
from ops.durable.witnesses import ServerWitness, witnesses_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime, timedelta

    from core.fleet import Fleet, Site
    from core.reply import Reply
    from core.sync.result import SyncResult
    from ops.contracts import Clock
    from ops.ports import Ports

BOSS = Person("boss", "terminal", frozenset(Role))
WHO = BOSS.label
BLOCKS = address_blocks()
SITES = 64
Tree = dict[str, bytes | str | None]
Change = Callable[[dict[str, Any]], None]
BIG_BYTES = 40_000_000


def many_sites(tree: dict[str, Any]) -> None:
    """Give the fleet sites by pairs: one that lives in Oslo, whose key is limited, and one that lives in Lima."""
    for number in range(SITES):
        for home, mirror in (("oslo", "lima"), ("lima", "oslo")):
            name = f"{home}-{number}.ski.example"
            root = f"/srv/{{server}}/www/{name}"
            tree["sites"][name] = {"home": home, "mirrors": [mirror], "names": [name], "root": root}
            if number % 4 == 0:
                tree["sites"][name]["exclude"] = ["cache/", "*.tmp"]


@dataclass
class Rig:
    """What a test has at hand. `sites` gives out each site once."""

    lab: Lab
    ports: Ports
    config: Path
    sites: dict[str, list[Site]]

    @property
    def shared(self) -> SharedLab:
        """What another process of this lab is rigged with."""
        return SharedLab(self.lab, self.config, self.sites)

    def take(self, home: str = "oslo", *, excluding: bool = False) -> Site:
        """Give a site that lives on `home` and that no test has touched; `excluding`: it excludes cache/ and *.tmp."""
        left = self.sites[home]
        fitting = [place for place, site in enumerate(left) if bool(site.exclude) == excluding]
        assert fitting, f"the tests of one worker have used up all sites of {home}: give its lab more"
        return left.pop(fitting[0])

    def root(self, site: Site, server: str) -> Path:
        """Say where this machine has the content that `site` has on `server`."""
        return self.lab.path_on(server, site.root_on(server))

    def write(self, site: Site, server: str, files: dict[str, str]) -> None:
        """Write files as the server's SSH user."""
        root = self.root(site, server)
        owner = next(folder for folder in (root, *root.parents) if folder.exists()).stat()
        for name, text in files.items():
            path = root / name
            for folder in reversed([part for part in path.parents if not part.exists()]):
                folder.mkdir()
                os.chown(folder, owner.st_uid, owner.st_gid)
            path.write_text(text)
            os.chown(path, owner.st_uid, owner.st_gid)

    def mirror_of(self, site: Site) -> str:
        """Name the server that keeps the site's copy."""
        return site.mirrors[0]

    def same(self, site: Site) -> bool:
        """Return whether home and mirror hold the same, modes and times of files included."""
        return tree_at(self.root(site, site.home)) == tree_at(self.root(site, site.mirrors[0]))

    def work(self, site: Site, server: str) -> Path:
        """Say where the work folder of `site` on `server` is."""
        folders = (self.root(site, server).parent / ".sharpnet").glob(f"{site.name}-*")
        return next(folders)

    def replaced(self, site: Site, server: str) -> Tree:
        """Return what runs have replaced or deleted on `server`, all of it together."""
        return {
            name.partition("/")[2]: content
            for name, content in contents_at(self.work(site, server) / "replaced").items()
            if "/" in name
        }

    async def sync(self, site: Site, **options: Any) -> SyncResult:  # noqa: ANN401  what sync_site takes
        """Copy the site to its mirror."""
        return await sync_site(self.ports, site.name, self.mirror_of(site), WHO, **options)

    async def filled(self, site: Site) -> Site:
        """Copy the site once, and have it well."""
        result = await self.sync(site)
        assert result.outcome == "good", result
        return site

    async def say(self, line: str, person: Person = BOSS) -> Reply:
        """Type a line and return the reply."""
        return await answer(split_line(line), person, person.via, self.ports)

    def later(self, passed: timedelta) -> Rig:
        """Give a rig whose clock is `passed` further on."""
        return replace(self, ports=replace(self.ports, clock=_Later(self.ports.clock, passed)))

    def with_sites(self, *sites: Site, **more: Any) -> Rig:  # noqa: ANN401  fields of Fleet
        """Give a rig whose fleet has these sites too, or instead."""
        fleet = replace(self.ports.fleet, sites={**self.ports.fleet.sites, **{s.name: s for s in sites}}, **more)
        return replace(self, ports=replace(self.ports, fleet=fleet))


@dataclass
class _Later:
    """A clock that is further on than another one."""

    clock: Clock
    passed: timedelta

    def now(self) -> datetime:
        return self.clock.now() + self.passed

    def monotonic(self) -> float:
        return self.clock.monotonic()

    def since_boot(self) -> float:
        return self.clock.since_boot()

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)


def tree_at(root: Path) -> dict[str, tuple[object, ...]]:
    """Return everything under `root`: kind, mode, time in seconds and content."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_dir():
            found[name] = ("folder", oct(status.st_mode))
        else:
            found[name] = ("file", oct(status.st_mode), int(status.st_mtime), path.read_bytes())
    return found


def contents_at(root: Path) -> Tree:
    """Return the files under `root` by name: bytes, a link's target, or None for a folder."""
    return {
        str(path.relative_to(root)): (
            str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        )
        for path in sorted(root.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }


class SharedLab(NamedTuple):
    """A lab that tests share. sites: by home, those that no test has taken yet; empty until a rig is there."""

    lab: Lab
    config: Path
    sites: dict[str, list[Site]]


@contextmanager
def lab_to_share(folder: Path, change: Change) -> Iterator[SharedLab]:
    """Bring up a lab of a small fleet that `change` has had its way with."""
    config = write_small_fleet(folder, next(BLOCKS), change)
    with Lab(config, folder / ".lab") as lab:
        yield SharedLab(lab, config, {})


@asynccontextmanager
async def rigged(shared: SharedLab, store: Path) -> AsyncIterator[Rig]:
    """Open the ports of one process on a store of its own; the lab's secrets are in the environment meanwhile."""
    lab, config, sites = shared
    with patch.dict(os.environ, lab.env):
        async with open_ports(Settings(config=config, store=store)) as ports:
            _forget_other_stores(lab, ports.fleet, store)
            if not sites:
                own = [site for site in ports.fleet.sites.values() if "-" in site.name]
                sites.update({home: [site for site in own if site.home == home] for home in ("oslo", "lima")})
            yield Rig(lab, ports, config, sites)


def _forget_other_stores(lab: Lab, fleet: Fleet, store: Path) -> None:
    """Take away what the servers were told of the stores of other tests, beside which a new one would be in doubt."""
    for witness in witnesses_of(fleet, cast("Any", None), store).values():
        if isinstance(witness, ServerWitness):
            lab.path_on(witness.server, witness.path).unlink(missing_ok=True)


def point(rig: Rig, site: Site, server: str) -> None:
    """Point the site's names at a server by hand."""
    address = rig.ports.fleet.servers[server].ipv4
    commands = [
        line for name in site.names for line in (f"update delete {name}. A", f"update add {name}. 300 A {address}")
    ]
    rig.lab.nsupdate(rig.ports.fleet.zone_of(site.names[0]), commands)


def empty(folder: Path) -> None:
    """Take everything out of a folder."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def big_file(rig: Rig, site: Site) -> None:
    """Give the site a file that takes a while."""
    path = rig.root(site, site.home) / "big.bin"
    path.write_bytes(os.urandom(BIG_BYTES))
    owner = path.parent.stat()
    os.chown(path, owner.st_uid, owner.st_gid)


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110  what another process does sets no event
            await asyncio.sleep(0.02)


def arriving_bytes(rig: Rig, site: Site) -> int:
    """Return how much has come of what is arriving on the mirror."""
    folder = rig.root(site, rig.mirror_of(site)).parent / ".sharpnet"
    return sum(path.stat().st_size for path in folder.glob(f"{site.name}-*/tmp/big.bin.*"))


def slow_source(rig: Rig, server: str, user: str) -> None:
    """Have the server send at eight megabytes a second, through the PATH of its SSH user."""
    home = rig.lab.path_on(server, f"/home/{user}")
    (home / "bin").mkdir()
    (home / "bin/rsync").write_text('#!/bin/sh\nexec /usr/bin/rsync --bwlimit=8000 "$@"\n')
    (home / "bin/rsync").chmod(0o755)
    (home / ".bashrc").write_text(f"PATH=/home/{user}/bin:$PATH\n")


def on_a_small_disk(rig: Rig, options: str) -> tuple[Site, Rig]:
    """Give a site whose copy lies on a disk of its own."""
    site = replace(rig.take(), name="small", root="/srv/{server}/www/small/shop")
    rig.write(site, "oslo", {"index.html": "hello"})
    folder = rig.lab.path_on("lima", "/srv/lima/www/small")
    folder.mkdir()
    owner = folder.parent.stat()
    mount_tmpfs(rig, "lima", "/srv/lima/www/small", f"{options},uid={owner.st_uid},gid={owner.st_gid},mode=755")
    return site, rig.with_sites(site)


def mount_tmpfs(rig: Rig, server: str, path: str, options: str) -> None:
    """Mount a small disk at a path of a host of the lab, in its own mount namespace."""
    _in_host(rig, server, f"mount -t tmpfs -o {options} tmpfs {path}")


def unmount(rig: Rig, server: str, path: str) -> None:
    """Take a disk away from a host of the lab."""
    _in_host(rig, server, f"umount {path}")


def _in_host(rig: Rig, server: str, command: str) -> None:
    sshd = _process_of(rig, server)
    subprocess.run(["nsenter", "-t", str(sshd), "-m", "sh", "-c", command], check=True, timeout=30)


def inside(rig: Rig, server: str, path: str) -> Path:
    """Say where this machine has what a host has at `path`, mounted there later or not."""
    return Path(f"/proc/{_process_of(rig, server)}/root{path}")


def _process_of(rig: Rig, server: str) -> int:
    """Return a process of a host: the sshd that listens at its address."""
    address = rig.ports.fleet.servers[server].address
    listing = subprocess.run(["ss", "-Hltnp", f"src {address}"], capture_output=True, text=True, check=True, timeout=30)
    return next(
        int(found[1]) for line in listing.stdout.splitlines() if (found := re.search(r'"sshd",pid=(\d+)', line))
    )


def hanging_source(rig: Rig, server: str, user: str) -> None:
    """Have the server say nothing when it is asked for content, through the PATH of its SSH user."""
    home = rig.lab.path_on(server, f"/home/{user}")
    (home / "bin").mkdir()
    hangs = 'case "$*" in *--server*) exec sleep 60 ;; esac'
    (home / "bin/rsync").write_text(f'#!/bin/sh\n{hangs}\nexec /usr/bin/rsync "$@"\n')
    (home / "bin/rsync").chmod(0o755)
    (home / ".bashrc").write_text(f"PATH=/home/{user}/bin:$PATH\n")
