"""Sharpnet's checks alone, without the bot around them: what the watching itself costs."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.peers import Task, Watcher
from bench.processes import running


@contextlib.contextmanager
def _run(folder: Path, task: Task) -> Iterator[list[int]]:
    """Run them; the targets are the sites of one web server, in their order."""
    folder.mkdir(parents=True)
    first = task.targets[0]
    words = [first.address, first.port, len(task.targets), task.every_s]
    with running([sys.executable, "-m", "bench.checks_alone", *map(str, words)], folder) as pid:
        yield [pid]


CHECKS_ALONE = Watcher("checks-alone", (), _run)
