"""One site with very many files: how long a look and a copy take, and how much memory they take on either side.

Opt-in, since it takes minutes: `python -m bench sync-many`, with BENCH_FILES files (a million).
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.fleets import server_names, site_name, write_fleet
from bench.result import Row, seconds
from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer
from core.people import Person, Role
from lab import Lab
from ops.ports import Ports

PERSON = Person("bench", "terminal", frozenset(Role))
BLOCK = "127.210.7."
FILES = int(os.environ.get("BENCH_FILES", "1000000"))
IN_A_FOLDER = 1000
LOOK_EVERY_S = 0.2
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


async def measure(folder: Path) -> list[Row]:
    """Measure a run that finds nothing, one after one per cent has changed, and one after every mode has."""
    config = write_fleet(folder / "app.yaml", BLOCK, sites=1)
    with Lab(config, folder / ".lab") as lab:
        os.environ.update(lab.env)
        async with open_ports(Settings(config, folder / "sharpnet.db")) as ports:
            source, mirror = (lab.path_on(name, f"/srv/{name}/www/{site_name(0)}") for name in server_names(2))
            await asyncio.to_thread(_fill, source)
            rows = [await _run(ports, "first copy")]
            rows.append(await _run(ports, "nothing changed"))
            await asyncio.to_thread(_change, source)
            rows.append(await _run(ports, "1 % changed"))
            await asyncio.to_thread(_loosen, source)
            rows.append(await _run(ports, "the mode of every file changed"))
            if sum(1 for _ in mirror.glob("[0-9]*/*.txt")) != FILES:
                raise RuntimeError("the mirror does not hold all files")
    return rows


async def _run(ports: Ports, what: str) -> Row:
    before = _rss_bytes(os.getpid())
    (took_s, ours, rsyncs) = await _watched(lambda: answer(["sync", site_name(0)], PERSON, "terminal", ports))
    return Row(
        f"a site of {FILES:,} files, {what}",
        seconds(took_s),
        f"memory: the bot {ours / 1e6:.0f} MB at most (before {before / 1e6:.0f} MB), "
        f"the largest rsync {rsyncs / 1e6:.0f} MB",
    )


async def _watched(work: Callable[[], Awaitable[object]]) -> tuple[float, int, int]:
    """Return how long `work` took, and the most memory that this process and the largest rsync had meanwhile."""
    began = time.perf_counter()
    working = asyncio.ensure_future(work())
    ours = rsyncs = 0
    while not working.done():
        ours = max(ours, _rss_bytes(os.getpid()))
        rsyncs = max([rsyncs, *await asyncio.to_thread(_rsyncs)])
        await asyncio.wait([working], timeout=LOOK_EVERY_S)
    reply = await working
    if getattr(reply, "exit_code", 1):
        raise RuntimeError(str(reply))
    return time.perf_counter() - began, ours, rsyncs


def _rsyncs() -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text(encoding="utf-8").strip() == "rsync":
                found.append(_rss_bytes(int(process.name)))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES


def _fill(root: Path) -> None:
    owner = root.stat()
    for number in range(FILES):
        folder = root / f"{number // IN_A_FOLDER:04}"
        if number % IN_A_FOLDER == 0:
            folder.mkdir()
            os.chown(folder, owner.st_uid, owner.st_gid)
        _write(folder / f"{number:07}.txt", str(number), owner)


def _change(root: Path) -> None:
    owner = root.stat()
    for number in range(0, FILES, 100):
        _write(root / f"{number // IN_A_FOLDER:04}" / f"{number:07}.txt", f"{number} changed", owner)


def _loosen(root: Path) -> None:
    for number in range(FILES):
        (root / f"{number // IN_A_FOLDER:04}" / f"{number:07}.txt").chmod(0o640)


def _write(path: Path, text: str, owner: os.stat_result) -> None:
    path.write_text(text, encoding="ascii")
    os.chown(path, owner.st_uid, owner.st_gid)
