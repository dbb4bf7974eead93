"""The bot: watches, answers in Slack, copies by schedule and carries out what is approved, until it is stopped."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bot.slack.connection import run_slack
from bot.slack.settings import SlackSettings
from bot.web.server import web_served
from bot.web.vitals import Vitals
from bot.wiring import open_ports
from core.errors import SettingsError, SharpnetError, StoreDoubtError
from core.fleet.changed import digests
from jobs import Job, all_jobs
from jobs.mailboxes import keep_mailboxes_alike
from jobs.notify import show_life, tell_others
from jobs.watch import Watcher
from jobs.watch.clock_watch import watch_clock
from ops.first_error import first_error
from ops.fleetfile import secret_reader

if TYPE_CHECKING:
    from bot.settings import Settings
    from bot.slack.outbox import Outbox
    from ops.ports import Ports

GRACE_S = 60
MOST_DESCRIPTORS = 65_536
BOT = "bot:run"

log = logging.getLogger(__name__)


async def run_bot(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Work under way is given back and goes on at the next start.

    Raises SettingsError where the fleet file or the environment is wrong.
    """
    logging.getLogger().setLevel(os.environ.get("LOG_LEVEL", "INFO").upper())
    logging.getLogger("apscheduler").setLevel("WARNING")
    _take_descriptors()
    slack = SlackSettings.from_env(os.environ)
    stopped = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    async with open_ports(settings, trusts_note=False) as ports:
        if slack is not None and ports.fleet.web is not None and slack.port == ports.fleet.web.port:
            raise SettingsError(
                f"PORT and web.port in app.yaml are both {slack.port}: Slack's requests come to the first.",
                hint="Name another port in app.yaml.",
            )
        started = {"version": ports.version, "fleet": digests(ports.fleet)}
        await ports.store.record.add(ports.clock.now(), "bot.started", ports.fleet.name, BOT, started)
        scheduler = schedule(ports)
        with first_error():
            await _serve(ports, slack, scheduler, stopped)
        await ports.store.record.add(ports.clock.now(), "bot.stopped", ports.fleet.name, BOT)


async def _serve(
    ports: Ports, slack: SlackSettings | None, scheduler: AsyncIOScheduler, stopped: asyncio.Event
) -> None:
    outboxes: list[Outbox] = []

    def wake() -> None:
        for outbox in outboxes:
            outbox.wake()

    if slack is not None:
        ports.groups.expect()
    watcher = Watcher(ports, opened=wake)
    vitals = Vitals(lambda: watcher.looked, slack=slack is not None)
    # Before anything is begun: a port that cannot be had ends it here.
    async with web_served(ports, ports.fleet.web, vitals, secret_reader(ports.fleet)), asyncio.TaskGroup() as group:
        tasks = [group.create_task(watcher.run(), name="watch")]
        tasks.append(group.create_task(ports.engine.sweep(), name="sweep"))
        tasks.append(group.create_task(tell_others(ports, watcher.down), name="notify"))
        tasks.append(group.create_task(show_life(ports), name="heartbeat"))
        tasks.append(group.create_task(watch_clock(ports), name="clock"))
        tasks.append(group.create_task(keep_mailboxes_alike(ports), name="mailboxes"))
        if ports.fleet.web is not None:
            tasks.append(group.create_task(vitals.measure_lag(), name="lag"))
        if slack is not None:
            serving = run_slack(
                ports, slack, on_outbox=outboxes.append, on_connected=vitals.slack_is, down=watcher.down
            )
            tasks.append(group.create_task(serving, name="slack"))
        else:
            log.warning("SLACK_BOT_TOKEN is not set: running without Slack; alerts wait in the store")
        scheduler.start()
        # The fleet is here to stay. Going through ten thousand sites for garbage would stop everything for 40 ms.
        gc.collect()
        gc.freeze()
        log.info("fleet=%s sites=%d serving", ports.fleet.name, len(ports.fleet.sites))
        try:
            await stopped.wait()
        finally:
            # A job that this cancels is taken up at the next start; the scheduler would log it as a crash.
            logging.getLogger("apscheduler.executors").setLevel(logging.CRITICAL)
            scheduler.shutdown(wait=False)
        for task in tasks:
            task.cancel()


def _take_descriptors() -> None:
    """Take as many file descriptors as this process may have: hundreds of looks at once need hundreds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def schedule(ports: Ports) -> AsyncIOScheduler:
    """Return a scheduler with every job's triggers, rebuilt from the fleet file; not started."""
    zone = ZoneInfo(ports.fleet.timezone)
    scheduler = AsyncIOScheduler(
        timezone=zone, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": GRACE_S}
    )
    for job in all_jobs().values():
        for key, cron in job.triggers(ports.fleet):
            trigger = CronTrigger.from_crontab(cron, timezone=zone)
            scheduler.add_job(_fire, trigger, args=(ports, job, key), id=f"{job.name}:{key}", name=job.name)
        if job.every is not None:
            first = {"next_run_time": datetime.now(zone)} if job.at_start else {}
            trigger = IntervalTrigger(seconds=job.every.total_seconds(), timezone=zone)
            scheduler.add_job(_run, trigger, args=(ports, job), id=job.name, name=job.name, **first)
        elif job.at_start:
            scheduler.add_job(_run, args=(ports, job), id=f"{job.name}:start", name=job.name)
    return scheduler


async def _fire(ports: Ports, job: Job, key: str) -> None:
    """Run a scheduled job unless another bot has claimed this very moment of it."""
    due_at = ports.clock.now().replace(second=0, microsecond=0)
    try:
        if job.acts and ports.standing is not None:
            await ports.standing.ask()
        if await ports.store.claims.fire(f"{job.name}:{key}", due_at):
            await job.run(ports, key, due_at)
    except StoreDoubtError as error:
        log.warning("job=%s key=%s left out: %s", job.name, key, error.message)
    except SharpnetError as error:
        log.error("job=%s key=%s failed: %s", job.name, key, error.message)  # noqa: TRY400 - told in full


async def _run(ports: Ports, job: Job) -> None:
    try:
        if job.acts and ports.standing is not None:
            await ports.standing.ask()
        await job.run(ports, "", ports.clock.now())
    except StoreDoubtError as error:
        log.warning("job=%s left out: %s", job.name, error.message)
    except SharpnetError as error:
        log.error("job=%s failed: %s", job.name, error.message)  # noqa: TRY400 - told in full
