"""Several processes write one store and move its log into it, all at once: nothing is lost and nothing is damaged."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from core.audit import first_broken
from ops.store import Store
from ops.store.sqlite.database import SqliteDb
from ops.store.sqlite.driver import sqlite3

PROCESSES = 4
WRITES = 60
# Every transaction is longer than that: each commit moves the log into the file, beside the moves that are asked for.
PAGES = 1
WRITER = f"""
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from ops.store import Store
from ops.store.sqlite.database import SqliteDb

async def write():
    store = Store(SqliteDb(Path(sys.argv[1])))
    await store.open()
    asked = store._db.read
    await asked(lambda opened: opened.query("PRAGMA wal_autocheckpoint = {PAGES}"))
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range({WRITES}):
        await store.record.add(datetime.now(UTC), "kind", sys.argv[2], "who", {{"n": n, "text": "x" * 500 * (n % 5)}})
        mode = "RESTART" if n % 10 == 0 else "PASSIVE"
        await asked(lambda opened: opened.query(f"PRAGMA wal_checkpoint({{mode}})"))
    await store.close()

asyncio.run(write())
"""
ROOT = Path(__file__).parents[2]


def start(path: Path, number: int) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    writer = [sys.executable, "-c", WRITER, str(path), f"writer{number}"]
    return subprocess.Popen(writer, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


async def test_what_several_processes_write_at_once_is_all_there_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "sharpnet.db"
    writers = [start(path, number) for number in range(PROCESSES)]
    for writer in writers:
        assert writer.stdout is not None
        assert await asyncio.to_thread(writer.stdout.readline) == "ready\n", writer.communicate()[1]
    ended = await asyncio.gather(*(asyncio.to_thread(writer.communicate, "go\n") for writer in writers))
    assert [(writer.returncode, said) for writer, (_, said) in zip(writers, ended, strict=True)] == [
        (0, "") for _ in writers
    ]
    store = Store(SqliteDb(path))
    await store.open()
    entries = await store.record.entries()
    await store.examine()
    await store.close()
    assert first_broken(entries) is None
    for number in range(PROCESSES):
        assert [entry.body["n"] for entry in entries if entry.subject == f"writer{number}"] == list(range(WRITES))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
