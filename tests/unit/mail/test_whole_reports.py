"""What `mail` shows, whole, and what it answers as JSON."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from unit.wholes import compare

from core.dns.pointing import Exchanger
from core.fleet import MailDomain, MailQueue, ProbeMailbox, SecretRef
from core.mail import report
from core.mail.delivery import Delivery
from core.mail.mx import MxAnswer
from core.mail.queue import Queue
from core.mail.recipients import Recipients
from core.mail.smtp import Certificate, SmtpAsked, SmtpReply, SmtpSeen
from core.mail.survey import DomainSurvey, ExchangerSeen
from core.reply import Reply

FILE = Path(__file__).parent / "whole_reports.txt"
NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
PLACES = {"north": "Oslo", "south": "Rome"}
LEADS_TO = {"mx1.shop.test": "north", "mx2.shop.test": "south"}
BOTH = (Exchanger(10, "mx1.shop.test"), Exchanger(20, "mx2.shop.test"))
BOX = ProbeMailbox("probe@shop.test", SecretRef("env", "PROBE"))
SHOP = MailDomain("shop.test", ("north", "south"), "postmaster@shop.test", BOX)
YES, NO = SmtpReply(250, "2.1.5 Ok"), SmtpReply(550, "5.1.1 User unknown")
GREY = SmtpReply(450, "4.2.0 Greylisted")
SMTP = SmtpSeen("", "", Certificate(("mx1.shop.test",), NOW + timedelta(days=90)), YES, NO, NO, ("RCPT TO", 0.1))


def seen(server: str, **change: object) -> ExchangerSeen:
    asked = SmtpAsked(SHOP.probe, "nobody-1@shop.test", None, timedelta(days=14), NOW)
    known = Recipients(frozenset({"ann@shop.test"}), None)
    delivery = Delivery(reply=YES, folder="INBOX", took_s=0.4)
    well = ExchangerSeen(server, asked, SMTP, Queue(2, timedelta(minutes=3)), known, delivery)
    return replace(well, **change)  # type: ignore[arg-type]


def surveyed(*exchangers: ExchangerSeen, domain: MailDomain = SHOP, answers: tuple[MxAnswer, ...] = ()) -> DomainSurvey:
    return DomainSurvey(domain, answers, LEADS_TO, exchangers, MailQueue())


def shown(*surveys: DomainSurvey) -> Reply:
    parts = tuple(report.parts(surveys, PLACES))
    return Reply(report.title(surveys), parts, tone=report.tone(surveys), facts=report.facts(surveys))


ANSWERS = (MxAnswer("ns1", BOTH), MxAnswer("ns2", BOTH))
WELL = surveyed(seen("north"), seen("south"), answers=ANSWERS)
PLAIN = MailDomain("blog.test", ("south",))


def test_reports_are_whole() -> None:
    later = seen("north", smtp=replace(SMTP, probe=GREY), delivery=Delivery(reply=GREY))
    unseen = seen("south", queue=None, recipients=None, unseen=("its queue is not known",))
    bad = SmtpSeen("", "it offers no STARTTLS", None, NO, YES, YES)
    silent = SmtpSeen(broken="no connection within 20 s")
    nothing = ExchangerSeen("south", seen("south").asked, silent)
    many = tuple(f"reason {number}" for number in range(14))
    compare(
        FILE,
        {
            "well": shown(WELL),
            "two domains, one that is not in our zones": shown(
                WELL,
                surveyed(seen("south", delivery=None, smtp=SmtpSeen(probe=None)), domain=PLAIN),
            ),
            "greylisted": shown(surveyed(later, seen("south"), answers=ANSWERS)),
            "not all seen": shown(surveyed(seen("north"), unseen, answers=(MxAnswer("ns1", why="no answer"),))),
            "everything wrong": shown(
                surveyed(
                    seen("north", smtp=bad, queue=Queue(99, cut=True), certificate="its certificate is self-signed"),
                    nothing,
                    answers=(MxAnswer("ns1", BOTH[1:]),),
                ),
                WELL,
            ),
            "the bot's own machine": shown(
                surveyed(seen("north", smtp=replace(SMTP, relay=YES, own=True)), seen("south"), answers=ANSWERS)
            ),
            "too much to show": shown(surveyed(seen("north", unseen=many), answers=ANSWERS)),
        },
    )
