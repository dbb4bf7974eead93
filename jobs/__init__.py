"""One file a job: what the clock asks for, and the long work that must survive a crash.

Each holds one `JOB`; discovery refuses a file without.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ops.discovery import found_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from datetime import datetime, timedelta

    from core.fleet import Fleet
    from ops.ports import Ports


@dataclass(frozen=True, slots=True)
class Job:
    """What discovery finds in a job's file.

    run: does it: with the ports, a key (which of its triggers, or the subject of a durable run) and the moment it was
    due. triggers: (key, cron expression) pairs for a fleet; each fires once however many bots run. every: as often as
    that, in every bot. durable: carried out by the engine for one subject at a time, and taken up again after a crash.
    at_start: once when a bot starts. acts: it changes or proves copies, so that it is left out while there is doubt
    about the store.
    """

    name: str
    run: Callable[[Ports, str, datetime], Awaitable[None]]
    triggers: Callable[[Fleet], Iterable[tuple[str, str]]] = lambda _fleet: ()
    every: timedelta | None = None
    durable: bool = False
    at_start: bool = False
    acts: bool = False


@cache
def all_jobs() -> Mapping[str, Job]:
    """Return every job by its name. Raises TypeError for a file without a proper JOB."""
    return found_in(__name__, "JOB", Job)
