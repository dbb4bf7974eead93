"""What the `mail` command shows: a table a domain, an exchanger a row, then what is not as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.mail.finding import Level, worst_of
from core.reply import Heading, Row, Table, Text, Tone
from core.wording import count, listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.mail.finding import Finding
    from core.mail.smtp import SmtpReply
    from core.mail.survey import DomainSurvey, ExchangerSeen
    from core.reply import Json, Part

MOST_FINDINGS = 12
TONES: Mapping[Level | None, Tone] = {
    None: Tone.GOOD,
    Level.LATER: Tone.WARN,
    Level.UNKNOWN: Tone.UNKNOWN,
    Level.WRONG: Tone.BAD,
}


def title(surveys: Sequence[DomainSurvey]) -> str:
    """Say in one line how many domains are well, and which are not."""
    domains = surveys[0].domain.name if len(surveys) == 1 else count(len(surveys), "mail domain")
    wrong = [one for one in surveys if one.worst == Level.WRONG]
    unseen = [one for one in surveys if one.worst == Level.UNKNOWN]
    if wrong:
        findings = sum(finding.level == Level.WRONG for one in wrong for finding in one.findings)
        names = listing([one.domain.name for one in wrong])
        return f"{count(findings, 'thing')} wrong with the mail of {names}"
    if unseen:
        return f"Not all of the mail of {listing([one.domain.name for one in unseen])} could be looked at"
    later = [one for one in surveys if one.worst == Level.LATER]
    if later:
        return f"Mail of {domains}: well, as far as servers that greylist say it now"
    return f"Mail of {domains}: all exchangers are well"


def tone(surveys: Sequence[DomainSurvey]) -> Tone:
    """Return how the worst of it is meant."""
    return TONES[worst_of(finding for one in surveys for finding in one.findings)]


def parts(surveys: Sequence[DomainSurvey], places: Mapping[str, str]) -> list[Part]:
    """Show each domain. places: of servers and name servers, by name."""
    return [part for one in surveys for part in _domain(one, places, named=len(surveys) > 1)]


def _domain(survey: DomainSurvey, places: Mapping[str, str], *, named: bool) -> list[Part]:
    table = Table(
        ("exchanger", "place", "MX", "takes", "refuses", "queue", "probe"),
        tuple(_row(survey, seen, places) for seen in survey.exchangers),
    )
    shown = sorted(survey.findings, key=lambda one: -one.level)
    told: list[Part] = [Text(f"{one.where}: {one.text}", TONES[one.level]) for one in shown[:MOST_FINDINGS]]
    if len(shown) > MOST_FINDINGS:
        told.append(Text(f"And {len(shown) - MOST_FINDINGS} more; `--json` in the terminal has all."))
    if not survey.answers:
        told.append(Text("It lies in none of the zones of app.yaml: its MX records were not looked at.", Tone.UNKNOWN))
    heading: list[Part] = [Heading(survey.domain.name)] if named else []
    return [*heading, table, *told]


def _row(survey: DomainSurvey, seen: ExchangerSeen, places: Mapping[str, str]) -> Row:
    cells = (
        seen.server,
        places.get(seen.server, ""),
        _preference(survey, seen.server),
        _taken(seen.smtp.probe, "yes", "no"),
        _refused(seen),
        str(seen.queue) if seen.queue is not None else "",
        str(seen.delivery) if seen.delivery is not None else "",
    )
    return Row(cells, TONES[worst_of(survey.of(seen.server))])


def _preference(survey: DomainSurvey, server: str) -> str:
    found = {
        one.preference
        for answer in survey.answers
        for one in answer.exchangers
        if survey.leads_to.get(one.name) == server
    }
    return ", ".join(map(str, sorted(found)[:3]))


def _taken(reply: SmtpReply | None, yes: str, no: str) -> str:
    if reply is None:
        return ""
    return yes if reply.taken else "later" if reply.greylists else no


def _refused(seen: ExchangerSeen) -> str:
    unknown, relay = seen.smtp.unknown, None if seen.smtp.own else seen.smtp.relay
    if unknown is None and seen.smtp.relay is None:
        return ""
    return "no" if any(reply is not None and reply.taken for reply in (unknown, relay)) else "yes"


def facts(surveys: Sequence[DomainSurvey]) -> Mapping[str, Json]:
    """Return everything that was found, as plain JSON values."""
    return {"well": all(one.well for one in surveys), "domains": [_domain_facts(one) for one in surveys]}


def _domain_facts(survey: DomainSurvey) -> Mapping[str, Json]:
    return {
        "domain": survey.domain.name,
        "well": survey.well,
        "mx": [
            {
                "nameserver": answer.nameserver,
                "exchangers": [
                    {"preference": one.preference, "name": one.name, "server": survey.leads_to.get(one.name)}
                    for one in answer.exchangers
                ],
                "why": answer.why or None,
            }
            for answer in survey.answers
        ],
        "exchangers": [_exchanger_facts(seen) for seen in survey.exchangers],
        "findings": [_finding_facts(one) for one in survey.findings],
    }


def _finding_facts(finding: Finding) -> Mapping[str, Json]:
    return {"level": finding.level.name.lower(), "where": finding.where, "text": finding.text}


def _exchanger_facts(seen: ExchangerSeen) -> Mapping[str, Json]:
    smtp, queue, delivery = seen.smtp, seen.queue, seen.delivery
    certificate = smtp.certificate
    return {
        "server": seen.server,
        "starttls": not smtp.tls and certificate is not None,
        "certificate_names": list(certificate.names) if certificate is not None else None,
        "certificate_ends_at": certificate.ends_at.isoformat() if certificate is not None else None,
        "probe": _reply_facts(smtp.probe),
        "unknown": _reply_facts(smtp.unknown),
        "relay": _reply_facts(smtp.relay),
        "queue": {
            "messages": queue.messages,
            "oldest_s": queue.oldest.total_seconds() if queue.oldest is not None else None,
            "cut": queue.cut,
        }
        if queue is not None
        else None,
        "delivery": {"folder": delivery.folder, "took_s": delivery.took_s if delivery.folder else None}
        if delivery is not None
        else None,
    }


def _reply_facts(reply: SmtpReply | None) -> str | None:
    return str(reply) if reply is not None else None
