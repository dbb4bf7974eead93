"""A figure that a page for people gives is that of the setting which holds it; others' figures are listed here."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from unit.project.test_figures import FIGURE

from bot.slack import connection, home, missed, outbox, people
from bot.terminal import lines
from bot.web import listening, metrics
from commands import history, incidents
from core import crowd
from core.backup import snapshots
from core.cutover import preflight_checks
from core.dns import promises
from core.failback import compare
from core.fleet.servers import ServerChecks
from core.incident import card_maintenance, maintenance, notes, notification
from core.mail import delivery
from core.mail import smtp as judged_smtp
from core.monitor import external_alerts, flapping
from core.monitor.detection import found_within
from core.page import days, model
from core.plan import approval, second_factor
from core.status import plot
from core.sync import batches
from jobs import pages as page_job
from jobs import recheck
from jobs.backup import test_restore as sample
from jobs.cutover import update
from jobs.notify import store_down
from jobs.sync import unknown
from ops.checks import mail, mail_delivery, mail_queue, mail_recipients, mail_rejects, mx
from ops.durable import claimed, engine, standing
from ops.fleetfile import load_fleet
from ops.gather import anchors, hooks
from ops.gather import pages as page_facts
from ops.mail import smtp
from ops.notify import routes
from ops.people import user_groups
from ops.ssh import files

ROOT = Path(__file__).parents[3]
S, MIN, H, D = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))

# Page, its words, what holds the figures in them, and what the words say.
TOLD: list[tuple[str, str, tuple[object, ...], tuple[object, ...]]] = [
    (
        "handbook",
        "more than twice within a minute (or four rounds of `watch.every`), or more than four times in five minutes",
        (flapping.FEW, flapping.SHORTEST_S, flapping.ROUNDS, flapping.MANY, flapping.WINDOW_S),
        (2, 60, 4, 4, 300),
    ),
    ("handbook", "as far as they answer within a minute", (anchors.BACKUPS_S,), (60,)),
    ("handbook", "until nothing has changed for five minutes", (flapping.QUIET_S,), (300,)),
    ("handbook", "Where it stays down for a minute", (flapping.STAYS_DOWN_S,), (60,)),
    (
        "handbook",
        "for longer than 15 seconds in a cutover, or 30 in a sync",
        (engine.LEASE, claimed.LEASE),
        (15 * S, 30 * S),
    ),
    (
        "handbook",
        "One that reaches its server more than 8 seconds after it was asked for",
        (hooks.BEGIN_WITHIN_S,),
        (8,),
    ),
    ("handbook", "they have two seconds, and who does not answer", (standing.WITHIN_S,), (2,)),
    ("handbook", "tries these sites again every five minutes", (unknown.AGAIN,), (5 * MIN,)),
    ("handbook", "95 % of its disk or inodes are used", (preflight_checks.DISK_WARN,), (0.95,)),
    ("handbook", "A site was moved less than 15 minutes ago", (preflight_checks.RECENT,), (15 * MIN,)),
    (
        "handbook",
        "is not begun after five minutes, and after half a minute only where all is still as approved",
        (approval.APPROVED_FOR, approval.FRESH),
        (5 * MIN, 30 * S),
    ),
    ("handbook", "clocks may be 30 s off", (second_factor.STEPS_OFF * second_factor.STEP_S,), (30,)),
    (
        "handbook",
        "After 5 wrong ones within 1 h",
        (second_factor.MOST_WRONG, second_factor.WRONG_COUNTS_FOR),
        (5, H),
    ),
    ("handbook", "they are asked every ten seconds", (recheck.JOB.every,), (10 * S,)),
    ("handbook", "*30 min more*", (card_maintenance.LONGER,), (30 * MIN,)),
    ("handbook", "Where that cannot be written for 20 s", (store_down.PATIENCE_S,), (20,)),
    ("handbook", "takes it up within 17 seconds", (engine.LEASE + engine.SWEEP_S * S,), (17 * S,)),
    ("handbook", "differ by more than five minutes; set them by NTP", (promises.SIGNED_FOR,), (5 * MIN,)),
    ("handbook", "then asks again for 20 seconds", (update.UPDATE_PATIENCE_S,), (20,)),
    ("handbook", "may still be carried out for five minutes", (promises.SIGNED_FOR,), (5 * MIN,)),
    ("handbook", "with the last 24 hours as columns", (plot.SPAN,), (24 * H,)),
    ("handbook", "up to two hundred between the same two servers", (batches.MOST_PLACES,), (200,)),
    ("handbook", "elsewhere a line every ten seconds", (lines.EVERY_S,), (10,)),
    ("handbook", "a dozen at random", (sample.RANDOM_FILES,), (12,)),
    ("handbook", "lists the first 1,000 paths of each kind", (compare.KEPT_FILES,), (1000,)),
    ("handbook", "At most 500 characters", (notes.LONGEST,), (500,)),
    ("handbook", "of the last seven days", (incidents.DAYS,), (7,)),
    ("handbook", "`1d`; at most 30 days", (maintenance.LONGEST,), (30 * D,)),
    ("handbook", "`--last N`: more than 20, at most 1,000", (history.SHOWN, history.MOST), (20, 1000)),
    ("handbook", "the newest 500 outages and 500 maintenances", (incidents.MOST,), (500,)),
    (
        "mail",
        "is given 20 s for each answer; one that takes more than 10 s is named",
        (smtp.ANSWER_S, judged_smtp.SLOW_S),
        (20, 10),
    ),
    ("mail", "after ten minutes no other look can still wait for it", (delivery.LEFT_AFTER,), (10 * MIN,)),
    (
        "mail",
        (
            "MX records | every 5 minutes | | what must be refused (of a server with several domains, one after the "
            "other) | every 30 minutes | | the lists of recipients | every 30 minutes | | the message "
            "| every 15 minutes"
        ),
        (mail.EVERY, mail_queue.EVERY, mx.EVERY, mail_rejects.EVERY, mail_recipients.EVERY, mail_delivery.EVERY),
        (*(5 * MIN,) * 3, *(30 * MIN,) * 2, 15 * MIN),
    ),
    ("backup", "at most every 20 hours", (snapshots.UPKEEP_EVERY,), (20 * H,)),
    (
        "monitoring",
        "up to every 5 min, for 24 hours; what comes after it waits. A try ends after 20 s",
        (notification.LONGEST_WAIT, notification.WORTH_SENDING_FOR, routes.SEND_S),
        (5 * MIN, 24 * H, 20),
    ),
    ("monitoring", "after 1 s, 2 s, 4 s", tuple(notification.retry_delay(n) for n in (1, 2, 3)), (1 * S, 2 * S, 4 * S)),
    ("monitoring", "A route that has not worked for 30 s", (notification.FAILING_FOR,), (30 * S,)),
    ("monitoring", "`mail_certificate` (14 days)", (ServerChecks().mail_certificate,), (14 * D,)),
    (
        "monitoring",
        "With more than a thousand sites the ages are read once a minute",
        (metrics.MANY, metrics.KEPT_FOR_S),
        (1000, 60),
    ),
    (
        "monitoring",
        "at most 256 connections, and an eighth of its file descriptors. One that says nothing is closed after 10 s",
        (listening.MOST_CONNECTIONS, listening.SHARE_OF_DESCRIPTORS, listening.HEAD_S),
        (256, 8, 10),
    ),
    (
        "monitoring",
        "a request is given 30 s and 1 MiB",
        (listening.REQUEST_S, listening.MOST_BODY_BYTES),
        (30, 1024**2),
    ),
    (
        "monitoring",
        "Slack's port in HTTP mode has the same limits, and 256 KiB",
        (connection.MOST_REQUEST_BYTES,),
        (256 * 1024,),
    ),
    ("monitoring", "or 15 minutes after it was last repeated", (external_alerts.BELIEVED_FOR,), (15 * MIN,)),
    ("monitoring", "more than 1,000 alerts about machines", (external_alerts.MOST,), (1000,)),
    ("status-pages", "every minute", (page_job.EVERY_S,), (60,)),
    ("status-pages", "before, during and after (14 days)", (page_facts.WORK_SHOWN_FOR,), (14 * D,)),
    ("status-pages", "90 days as bars", (days.DAYS,), (90,)),
    ("status-pages", "incidents of 90 days", (days.DAYS,), (90,)),
    ("status-pages", "120 are named", (model.SITES,), (120,)),
    ("status-pages", "is cleared away by a later one, after an hour", (files.LEFT_AFTER_S,), (3600,)),
    ("status-pages", "could not be given its page for 10 minutes", (page_job.TOLD_AFTER,), (10 * MIN,)),
    ("status-pages", "after 15 s it is left to the bot", (page_job.NOW_S,), (15,)),
    ("slack-setup", "loses its roles within a minute", (people.GROUP_KNOWN_S,), (60,)),
    ("slack-setup", "does not say so within 5 s, those who were count", (user_groups.ASK_S,), (5,)),
    (
        "slack-setup",
        "may have three things under way and ask for twenty within a minute, all of them together ten and a hundred",
        (crowd.MOST_OF_ONE, crowd.MOST_OF_ALL, crowd.LATELY_S),
        (crowd.Asking(3, 20), crowd.Asking(10, 100), 60.0),
    ),
    ("slack-setup", "who has one may have ten under way", (crowd.MOST_WITH_ROLE,), (10,)),
    ("slack-setup", "which each is told once a minute", (crowd.LATELY_S,), (60.0,)),
    ("slack-setup", "for four hours after you open it", (home.VIEWED_FOR,), (4 * H,)),
    ("slack-setup", "the note has the first 500 characters", (notes.LONGEST,), (500,)),
    ("slack-setup", "when it is back, for 24 hours", (missed.BACK,), (24 * H,)),
    ("slack-setup", "are edited every three seconds", (outbox.BUSY_CARD_EVERY_S,), (3,)),
]
# What is measured, an example, or others' figures.
OTHERS = {
    "handbook": {
        "12 s",  # examples of alerts
        "96 %",
        "5 min",
        "0.3 s",  # how long a store of
        "100 MB",  # takes to read
        "300 seconds",  # advice
        "5 seconds",  # of BIND
    },
    "monitoring": {
        "a minute",  # about how long it takes to find what died together, with the settings as they are
        "5 s",  # an example
    },
    "status-pages": {"100 %"},
    "slack-setup": {
        "ten minutes",  # what a person takes
        "five minutes",  # of Slack's signatures
    },
    "lab": {"38 MB"},
}
# The page of the fleet file has a test of its own, the measurements are written by the bench.
PAGES = ("README.md", *(f"docs/{name}.md" for name in ("handbook", "backup", "databases", "lab", "mail", "monitoring")))
PAGES += ("docs/status-pages.md", "docs/slack-setup.md")


def folded(page: Path) -> str:
    """Return the prose of a page on one line, without its examples."""
    said = [line for line in page.read_text().splitlines() if not line.startswith(("    ", ">"))]
    return " ".join(" ".join(said).split())


@pytest.mark.parametrize(("page", "words", "held", "said"), TOLD, ids=[words[:40] for _, words, _, _ in TOLD])
def test_the_figure_is_that_of_the_setting(
    page: str, words: str, held: tuple[object, ...], said: tuple[object, ...]
) -> None:
    assert words in folded(ROOT / "docs" / f"{page}.md")
    assert held == said


@pytest.mark.parametrize("path", PAGES)
def test_no_other_figure_stands_in_the_page(path: str) -> None:
    page = ROOT / path
    text = folded(page)
    for name, words, _, _ in TOLD:
        if name == page.stem:
            text = text.replace(words, "…")
    assert {found[0] for found in FIGURE.finditer(text)} == OTHERS.get(page.stem, set())


def test_the_demo_tells_of_a_drop_as_soon_as_the_readme_says() -> None:
    assert "Within half a minute the channel says" in folded(ROOT / "README.md")
    assert re.search(r"^watch: ", (ROOT / "app.yaml").read_text(), re.MULTILINE)
    assert found_within(load_fleet(ROOT / "app.yaml").watch) < 30 * S
