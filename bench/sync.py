"""A hundred small sites kept fresh, beside what people use for that: the same trees, turn about, in one process.

Every peer copies from the same source to the same mirror with the same key, started over the same kept connection.
"""

import os
import shlex
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from bench.fleets import server_names, site_name, write_fleet
from bench.result import Row, spread
from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer
from core.fleet import Server
from core.people import Person, Role
from lab import Lab
from ops.ports import Ports
from ops.rsync.peer import remote_shell, source_of, ssh_words

PERSON = Person("bench", "terminal", frozenset(Role))
BLOCK = "127.210.6."
SITES = 100
FILES = 50
CHANGED = SITES * FILES // 100
ROUNDS = 3
WHOLE = "one rsync over the whole tree"
CRON = "cron, an rsync a site in turn"
SOCKET = "/home/web/bench"
TREE_RATIO = 1.5
CRON_RATIO = 15
PEER_S = 200.0
# What Debian has besides, and why it has no row here.
ABSENT = "csync2 (trusts a database of its own), lsyncd (waits for changes, has no run that ends)"

Copy = Callable[[], Awaitable[None]]
Change = Callable[[int], None]


async def measure(folder: Path) -> list[Row]:
    """Measure runs that find nothing to do, and runs after one per cent of the files has changed."""
    config = write_fleet(folder / "app.yaml", BLOCK, sites=SITES)
    with Lab(config, folder / ".lab") as lab:
        os.environ.update(lab.env)
        async with open_ports(Settings(config, folder / "sharpnet.db")) as ports:
            trees = Trees(lab, ports)
            trees.fill()
            peers = {"ours": trees.ours, **trees.peers()}
            await trees.ours()
            rows: list[Row] = []
            for what, change, target in (
                ("nothing changed", lambda _round: None, True),
                (f"{CHANGED} files changed, all of one site", trees.change_one_site, False),
                (f"{CHANGED} files changed, one in each of {CHANGED} sites", trees.change_many_sites, False),
            ):
                rows += await _beside(what, peers, trees.peers()[WHOLE], change, target=target)
    rows.append(Row("not beside it", ABSENT if shutil.which("rclone") else f"rclone (not on this machine), {ABSENT}"))
    return rows


async def _beside(what: str, peers: dict[str, Copy], mend: Copy, change: Change, *, target: bool) -> list[Row]:
    took: dict[str, list[float]] = {name: [] for name in peers}
    for number in range(ROUNDS):
        for place, (name, copy) in enumerate(peers.items()):
            if name == CRON and (number != 1 or not target):
                continue
            change(number * len(peers) + place)
            began = time.perf_counter()
            await copy()
            took[name].append(time.perf_counter() - began)
            # Whoever comes next must not pay for what this one leaves behind, such as times without fractions.
            await mend()
    ours = median(took["ours"])
    rows = []
    for name, times in took.items():
        if name == "ours" or not times:
            continue
        ratio = ours / median(times)
        held = None
        if target and name == WHOLE:
            said, held = f"at most {TREE_RATIO} times", ratio <= TREE_RATIO
        elif target and name == CRON:
            said, held = f"{CRON_RATIO} times as fast", 1 / ratio >= CRON_RATIO
        else:
            said = "-"
        beside = f"{name}: {spread(times)}, ours takes {ratio:.2f} of that"
        rows.append(
            Row(f"`sync --all`, {SITES} sites of {FILES} files, {what}", spread(took["ours"]), beside, said, held)
        )
    return rows


class Trees:
    """The sites' files on the source, and every way of copying them."""

    def __init__(self, lab: Lab, ports: Ports) -> None:
        self._lab = lab
        self._ports = ports
        self._source, self._mirror = (ports.fleet.servers[name] for name in server_names(2))
        self._folder = f"/srv/{self._source.name}/www"
        self._copy = f"/srv/{self._mirror.name}/www"

    def fill(self) -> None:
        """Give every site its files."""
        for number in range(SITES):
            for file in range(FILES):
                self._write(number, file, f"{number} {file} " * 40)

    def change_one_site(self, number: int) -> None:
        """Change one per cent of the files: those of one site."""
        for file in range(FILES):
            self._write(number % SITES, file, f"again {number} {file} " * 40)

    def change_many_sites(self, number: int) -> None:
        """Change one per cent of the files: one in every other site."""
        for site in range(0, SITES, SITES // CHANGED):
            self._write(site, number % FILES, f"once more {number} " * 40)

    def peers(self) -> dict[str, Copy]:
        """Return the ways of copying, by their names."""
        rsync = f"rsync -aHAX --delete -e {shlex.quote(remote_shell(self._source, self._mirror, None))}"
        names = " ".join(site_name(number) for number in range(SITES))
        whole = f"{rsync} --exclude=/.sharpnet/ {source_of(self._source, self._folder)} {self._copy}/"
        each = f"{source_of(self._source, self._folder)}$site/ {self._copy}/$site/"
        in_turn = f"for site in {names}; do {rsync} {each} || exit 1; done"
        master = shlex.join([*ssh_words(self._source, self._mirror, None), "-f", "-N", "-M", "-S"])
        shared = f"rsync -aHAX --delete -e {shlex.quote(remote_shell(self._source, self._mirror, SOCKET))}"
        at_once = (
            f"{master} {SOCKET} {self._source.address} >/dev/null 2>&1 </dev/null\n"
            f"printf '%s\\n' {names} | xargs -P 8 -I @ {shared} "
            f"{source_of(self._source, self._folder)}@/ {self._copy}/@/; status=$?\n"
            f"ssh -S {SOCKET} -O exit {self._source.address} 2>/dev/null; exit $status"
        )
        found = {
            WHOLE: self._on_mirror(whole),
            "rsync a site, 8 at once, shared": self._on_mirror(at_once),
            CRON: self._on_mirror(in_turn),
        }
        if shutil.which("rclone"):
            found["rclone sync"] = self._on_mirror(_rclone(self._source, self._mirror, self._folder, self._copy))
        return found

    async def ours(self) -> None:
        """Type `sync --all` in a process that runs already."""
        reply = await answer(["sync", "--all"], PERSON, "terminal", self._ports)
        if reply.exit_code:
            raise RuntimeError(reply.title)

    def _on_mirror(self, command: str) -> Copy:
        async def copy() -> None:
            ran = await self._ports.ssh.run(self._mirror.name, command, timeout_s=PEER_S)
            if ran.exit_code:
                raise RuntimeError(f"{command[:60]}: {ran.err.decode(errors='replace')[-300:]}")

        return copy

    def _write(self, site: int, file: int, text: str) -> None:
        root = self._lab.path_on(self._source.name, f"{self._folder}/{site_name(site)}")
        path = root / f"file-{file}.html"
        path.write_text(text, encoding="utf-8")
        owner = root.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _rclone(source: Server, mirror: Server, folder: str, copy: str) -> str:
    if mirror.peer is None:
        raise ValueError(mirror.name)
    remote = (
        f":sftp,host={source.address},port={source.ssh.port},user={source.ssh.user},"
        f"key_file={mirror.peer.key},known_hosts_file={mirror.peer.known_hosts}:{folder}"
    )
    return shlex.join(["rclone", "sync", "--config", "/dev/null", remote, copy])
