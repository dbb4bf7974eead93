"""Watching: looks at every server, site and name server, and tells people when something drops (laws 6 and 7).

`Watcher(ports).run()` is started by the bot and goes on until it is cancelled; the scheduler has no part in it.
"""

from jobs import Job
from jobs.watch.watcher import Watcher

__all__ = ["JOB", "Watcher"]

JOB = Job(name="watch", run=lambda ports, _key, _at: Watcher(ports).run())
