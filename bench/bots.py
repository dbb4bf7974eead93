"""Bots as processes of their own, started and ended here, and what the kernel says of them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.processes import PROJECT, cpu_s

SERVING = b" serving"
START_S = 30.0
END_S = 15.0
LOOK_S = 0.005
SHARPNET = (sys.executable, "-c", "from bot.main import main; main()")


class Bot:
    """A bot that runs. Its log is beside its fleet file."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def rss_bytes(self) -> int:
        """Its resident memory now."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def cpu_s(self) -> float:
        """The processor time that it has used so far."""
        return cpu_s([self._process.pid])

    def wait_until_serving(self) -> None:
        """Return when its log says so. RuntimeError, with the log's end, where it does not come to that."""
        give_up = time.monotonic() + START_S
        while SERVING not in self._log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"the bot does not serve: {self._log.read_text(errors='replace')[-400:]}")
            time.sleep(LOOK_S)


@contextmanager
def running_bot(
    config: Path, environment: Mapping[str, str], program: tuple[str, ...] = (*SHARPNET, "run")
) -> Iterator[Bot]:
    """Start a bot, and end it in order at the end; it may not have begun to serve yet."""
    log = config.with_suffix(".log")
    with log.open("wb") as lines:
        process = subprocess.Popen(
            program, env=_environment(config, environment), stdin=subprocess.DEVNULL, stdout=lines, stderr=lines
        )
    try:
        yield Bot(process, log)
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_command(config: Path, environment: Mapping[str, str], *words: str) -> float:
    """Run one `sharpnet` command to its end and return its seconds. RuntimeError where it could not answer."""
    began = time.perf_counter()
    done = subprocess.run(
        [*SHARPNET, *words], env=_environment(config, environment), capture_output=True, timeout=START_S, check=False
    )
    took_s = time.perf_counter() - began
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"sharpnet {' '.join(words)}: {done.stderr.decode(errors='replace')[-400:]}")
    return took_s


def _environment(config: Path, more: Mapping[str, str]) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
    return {**plain, "PYTHONPATH": str(PROJECT), **more, "SHARPNET_CONFIG": str(config)} | {
        "DATABASE_URL": f"sqlite:///{config.with_suffix('.db')}"
    }
