"""`check`: everything that is wrong with app.yaml, at once; `--live` goes on to try what it describes."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

from commands import Command, argument
from core.reply import Heading, Part, Reply, Text, Tone
from core.store_trouble import named, not_wal_hint, why_not_wal
from core.wording import count
from ops.fleetfile import examine, shown_path
from ops.fleetfile import schema as fleet_schema
from ops.gather.database_check import database_findings
from ops.gather.live_check import mailbox_findings, ssh_findings
from ops.gather.live_dns import dns_findings
from ops.gather.offsite_check import offsite_findings
from ops.store.sqlite.driver import DRIVER, VERSION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from core.fleet import Fleet
    from core.status.findings import Finding
    from ops.fleetfile import Problem
    from ops.ports import Ports

MOST_SHOWN = 200


def check_file(path: Path, *, schema: bool = False) -> Reply:
    """Say everything that is wrong with the fleet file at `path`; it may be broken in any way, or not there.

    Also which SQLite would keep the store; where it must not, the file is none the worse for it.
    schema: return the JSON schema as the reply's facts instead, and look at no file. Exit code 2: it cannot be used.
    """
    if schema:
        return Reply(title="The JSON schema of app.yaml", facts=fleet_schema())
    fleet, problems = examine(path)
    file = shown_path(path)
    serious = sum(problem.serious for problem in problems)
    why_not = why_not_wal(VERSION)
    return Reply(
        title=_title(file, fleet, serious, len(problems) - serious),
        parts=(*_listed(problems, file), _sqlite(why_not)),
        tone=Tone.BAD if fleet is None else Tone.WARN if problems or why_not else Tone.GOOD,
        facts={
            "file": file,
            "usable": fleet is not None,
            "problems": [asdict(problem) for problem in problems],
            "sqlite": _sqlite_facts(why_not),
        },
        exit_code=0 if fleet is not None else 2,
    )


def _title(file: str, fleet: Fleet | None, serious: int, warnings: int) -> str:
    noticed = f", {count(warnings, 'warning')}" if warnings else ""
    if fleet is None:
        return f"{file} cannot be used: {count(serious, 'problem')}{noticed}"
    what = (
        f"{count(len(fleet.servers), 'server')}, {count(len(fleet.sites), 'site')}, "
        f"{count(len(fleet.dns.nameservers), 'name server')}, {count(len(fleet.dns.zones), 'zone')}"
    )
    return f"{file} {'can be used' if warnings else 'is right'}: {fleet.name}, {what}{noticed}"


def _listed(problems: Sequence[Problem], file: str) -> tuple[Part, ...]:
    # The serious ones first: they must not be among those that are left out.
    ordered = sorted(problems, key=lambda problem: not problem.serious)
    parts = [Text(problem.said(file), Tone.BAD if problem.serious else Tone.WARN) for problem in ordered[:MOST_SHOWN]]
    left_out = len(ordered) - len(parts)
    if left_out:
        parts.append(Text(f"And {left_out:,} more: `check --json` has them all."))
    return tuple(parts)


def _sqlite(why_not: str | None) -> Text:
    if why_not is None:
        return Text(f"The store: SQLite {named(VERSION)} of {DRIVER}")
    return Text(f"The store will not be opened: {why_not}. {not_wal_hint()}", Tone.WARN)


def _sqlite_facts(why_not: str | None) -> dict[str, object]:
    return {"version": named(VERSION), "driver": DRIVER, "why_not": why_not}


async def check_live(ports: Ports, extra: Sequence[Callable[[], Awaitable[tuple[Finding, ...]]]] = ()) -> Reply:
    """Try every login, peer key, database user, zone and name server, and the way to the backups; say all that fails.

    extra: more to try at the same time (the store; Slack, which only the bot knows), said after the rest.
    Exit code 1: something failed; a warning is no failure.
    """
    tried = await asyncio.gather(
        ssh_findings(ports.ssh, ports.fleet),
        mailbox_findings(ports.ssh, ports.fleet),
        offsite_findings(ports),
        database_findings(ports),
        dns_findings(ports.dns, ports.fleet),
        *(one() for one in extra),
    )
    findings = [finding for some in tried for finding in some]
    failed = [finding for finding in findings if not finding.ok]
    warned = [finding for finding in findings if finding.ok and finding.warning]
    passed = [finding for finding in findings if finding.ok and not finding.warning]
    things = count(len(findings), "thing")
    return Reply(
        title=(f"{len(failed)} of {things} tried failed" if failed else f"All {things} tried work")
        + (f", {count(len(warned), 'warning')}" if warned else ""),
        parts=(
            *_found("To fix", failed, Tone.BAD),
            *_found("Works, with a warning", warned, Tone.WARN),
            *_found("Works", passed, Tone.GOOD),
        ),
        tone=Tone.BAD if failed else Tone.WARN if warned else Tone.GOOD,
        facts={
            "findings": [asdict(finding) for finding in findings],
            "sqlite": _sqlite_facts(why_not_wal(VERSION)),
        },
        exit_code=1 if failed else 0,
    )


def _found(heading: str, findings: Sequence[Finding], tone: Tone) -> tuple[Part, ...]:
    if not findings:
        return ()
    return (Heading(heading), *(Text(finding.in_words, tone) for finding in findings))


COMMAND = Command(
    name="check",
    summary="says everything that is wrong with app.yaml, at once",
    run=None,
    places=frozenset({"terminal"}),
    arguments=(
        argument(
            "--live", action="store_true", help="go on to try every login, key, zone and name server, backups and Slack"
        ),
        argument("--schema", action="store_true", help="print the JSON schema of app.yaml, for editors"),
    ),
    examples=("check", "check --live", "check --schema"),
    answers_json=True,
)
