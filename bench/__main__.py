"""`python -m bench [NAME…] [--write]`: takes the measurements and prints them as one table.

Run it where it can meet nothing else, as root: `python -m lab isolated -- python -m bench`.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from bench import (
    cutover,
    detection,
    detection_cpu,
    detection_peers,
    footprint,
    loss,
    probing,
    probing_hanging,
    probing_https,
    start,
    status,
    sync,
    sync_many,
)
from bench.conditions import conditions
from bench.report import section, table, write_into
from bench.result import Row
from core.errors import SharpnetError
from lab.errors import LabError

PAGE = Path(__file__).parent.parent / "docs" / "measurements.md"
LONGEST_S = 600.0
MEASUREMENTS: Mapping[str, Callable[[Path], Awaitable[list[Row]]]] = {
    "start": start.measure,
    "status": status.measure,
    "detection": detection.measure,
    "detection-peers": detection_peers.measure,
    "detection-cpu": detection_cpu.measure,
    "probing": probing.thousand,
    "probing-5000": probing.five_thousand,
    "probing-all": probing.five_thousand_a_second,
    "https": probing_https.measure,
    "hanging": probing_hanging.measure,
    "footprint": footprint.measure,
    "cutover": cutover.measure,
    "sync": sync.measure,
}
# Only when named: these take many minutes.
LONG: Mapping[str, Callable[[Path], Awaitable[list[Row]]]] = {"sync-many": sync_many.measure, "loss": loss.measure}
LONG_S = 2 * 3600.0
ALL = {**MEASUREMENTS, **LONG}


def main() -> int:
    """Take what is named, or all, and return the exit status: 1 where one could not be taken."""
    options = _options()
    first, rows, failed = conditions(), [], False
    for name in options.names or MEASUREMENTS:
        where, began = conditions(), time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="sharpnet-bench-") as folder:
                found = asyncio.run(_bounded(name, Path(folder)))
        except (SharpnetError, LabError, OSError, RuntimeError) as error:
            failed = True
            found = [Row(name, f"not measured: {str(error) or type(error).__name__}")]
        else:
            if options.write:
                write_into(PAGE, name, section(where, found))
        rows += found
        sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s\n")
    print("".join(f"- {line}\n" for line in first))
    print(table(rows))
    return int(failed)


async def _bounded(name: str, folder: Path) -> list[Row]:
    async with asyncio.timeout(LONG_S if name in LONG else LONGEST_S):
        return await ALL[name](folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the product against the lab.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(ALL)}")
    parser.add_argument("--write", action="store_true", help="put each table into docs/measurements.md")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in ALL]
    if unknown:
        parser.error(f"there is no measurement {unknown[0]!r}: {', '.join(ALL)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
