"""What `mail` answers of mailboxes, and what the ops channel is told of mailboxes that are not alike."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from core.failure import FailureCode
from core.mailboxes.result import ALIKE
from core.reply import OUTCOMES, Button, Confirm, Part, Reply, Row, Text, Tone, first_rows, hint_texts, progress_of
from core.wording import ago, count, duration, listing, stamp_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from core.failure import Failure
    from core.mailboxes.pairs import MailboxPair
    from core.mailboxes.result import MailboxResult, MailboxRun

SHOWN = 20
# What the next run settles by itself is told when it has not for so many in a row.
TOLD_AFTER = 3
# What no later run settles.
TOLD_AT_ONCE = frozenset(
    {
        FailureCode.MAIL_APART,
        FailureCode.MAIL_QUOTA,
        FailureCode.MAIL_USER,
        FailureCode.DISK_FULL,
        FailureCode.NO_DOVEADM,
        FailureCode.PERMISSION,
    }
)


def report(results: Sequence[MailboxResult], silent: Mapping[str, Failure]) -> Reply:
    """Return what to say when mailboxes were made alike. silent: the servers that did not say whose mail they have."""
    ordered = sorted(results, key=lambda one: OUTCOMES[one.outcome].rank)
    outcomes = Counter(one.outcome for one in results)
    parts: list[Part] = []
    if len(ordered) > 1:
        parts.append(first_rows(("user", "servers", "result"), ordered, _result_row, SHOWN))
    hints = (
        (one.pair.login, one.trouble.hint, OUTCOMES[one.outcome].tone) for one in ordered if one.trouble is not None
    )
    parts += hint_texts(hints, named=len(ordered) > 1)
    parts += [
        Text(f"{server} was left out: {why.message}. {why.hint}".strip(), Tone.BAD) for server, why in silent.items()
    ]
    worst = ordered[0].outcome if ordered else "good"
    bad = silent and worst != "failed"
    return Reply(
        title=_title(ordered, outcomes, silent),
        parts=tuple(parts),
        tone=Tone.BAD if bad else OUTCOMES[worst].tone,
        facts={
            "results": [one.facts for one in ordered],
            **{outcome: outcomes[outcome] for outcome in ("good", "refused", "failed")},
            "silent": {server: why.facts for server, why in silent.items()},
        },
        exit_code=1 if bad else OUTCOMES[worst].exit_code,
    )


def _title(ordered: Sequence[MailboxResult], outcomes: Counter[str], silent: Mapping[str, Failure]) -> str:
    if len(ordered) == 1:
        return _said(ordered[0])
    if not ordered:
        return "No mailbox was brought together" if silent else "There is no mailbox on two servers"
    return (
        f"{outcomes['good']:,} of {count(len(ordered), 'mailbox', 'mailboxes')} are alike"
        + (f", {outcomes['failed']:,} failed" if outcomes["failed"] else "")
        + (f", {outcomes['refused']:,} refused" if outcomes["refused"] else "")
    )


def _said(one: MailboxResult) -> str:
    pair, took = one.pair, duration(timedelta(seconds=one.took_s))
    if one.trouble is None:
        return f"The mail of {pair.login} is alike on {pair.server} and {pair.other}, {took}"
    return f"The mail of {pair.login} is not alike on {pair.server} and {pair.other}: {one.trouble.message}"


def _result_row(one: MailboxResult) -> Row:
    said = one.trouble.message if one.trouble is not None else duration(timedelta(seconds=one.took_s))
    return Row((one.pair.login, f"{one.pair.server}, {one.pair.other}", said), OUTCOMES[one.outcome].tone)


def progress_reply(steps: Sequence[tuple[str, str]]) -> Reply:
    """Return how far it is: (user, "waiting" or "done")."""
    return progress_of(("mailbox", "mailboxes"), "alike", ("user", "now"), steps)


def state_reply(runs: Sequence[MailboxRun], now: datetime) -> Reply:
    """Return what is known of every mailbox, the oldest first; nothing is asked of any server."""
    ordered = sorted(runs, key=lambda run: (run.outcome == ALIKE, run.alike_at or run_long_ago(now), run.login))
    bad = [run for run in ordered if run.outcome not in (ALIKE, "")]
    tone = Tone.WARN if bad else Tone.GOOD
    title = f"{count(sum(run.outcome == ALIKE for run in runs), 'mailbox', 'mailboxes')} alike"
    if bad:
        title += f", {len(bad):,} not"
    return Reply(
        title=title if runs else "No mailbox was made alike yet",
        parts=(first_rows(("user", "servers", "alike", "last run"), ordered, lambda run: _run_row(run, now), SHOWN),)
        if runs
        else (),
        tone=tone if runs else Tone.UNKNOWN,
        facts={"mailboxes": [_run_facts(run) for run in ordered]},
        exit_code=1 if bad else 0,
    )


def run_long_ago(now: datetime) -> datetime:
    """Return a moment before every other."""
    return now - timedelta(days=36_500)


def status_text(runs: Sequence[MailboxRun], now: datetime) -> Text | None:
    """Return the one line of `status`; None where no mailbox is kept alike."""
    if not runs:
        return None
    bad = sum(run.outcome not in (ALIKE, "") for run in runs)
    good = [run.alike_at for run in runs if run.outcome == ALIKE and run.alike_at is not None]
    said = [f"{len(good):,} alike"] if good else []
    said += [f"{bad:,} not (`mail boxes`)"] if bad else []
    said += [f"the oldest compared {ago(min(good), now)}"] if good else []
    return Text(f"Mailboxes: {', '.join(said) or 'not compared yet'}.", Tone.WARN if bad else Tone.GOOD)


def _run_row(run: MailboxRun, now: datetime) -> Row:
    last = "ok" if run.outcome == ALIKE else str(run.body.get("why", "under way"))
    tone = Tone.GOOD if run.outcome == ALIKE else Tone.WARN
    return Row((run.login, f"{run.server}, {run.other}", ago(run.alike_at, now), last), tone)


def _run_facts(run: MailboxRun) -> dict[str, object]:
    alike = stamp_or_none(run.alike_at)
    return {
        "user": run.login,
        "servers": [run.server, run.other],
        "outcome": run.outcome,
        "alike_at": alike,
        **run.body,
    }


def worth_telling(runs: Iterable[MailboxRun]) -> Mapping[tuple[str, str], tuple[MailboxRun, ...]]:
    """Return the runs that people are told of, by their two servers; each pair of servers that has any run is there."""
    by_servers: dict[tuple[str, str], list[MailboxRun]] = defaultdict(list)
    for run in runs:
        told = by_servers[run.server, run.other]
        if run.failures >= TOLD_AFTER or (run.failures > 0 and run.outcome in TOLD_AT_ONCE):
            told.append(run)
    return {servers: tuple(told) for servers, told in by_servers.items()}


def trouble_card(server: str, other: str, runs: Sequence[MailboxRun]) -> Reply:
    """Return the card of mailboxes that are not alike on two servers."""
    by_code: dict[str, list[MailboxRun]] = defaultdict(list)
    for run in runs:
        by_code[run.outcome].append(run)
    parts: list[Part] = []
    for of_code in by_code.values():
        names = f"{listing(tuple(run.login for run in of_code))}: " if len(runs) > 1 else ""
        why, hint = (str(of_code[0].body.get(key, "")) for key in ("why", "hint"))
        parts.append(Text(f"{names}{why}. {hint}".strip()))
    title = f"The mail of {count(len(runs), 'user')} is not alike on {server} and {other}"
    if len(runs) == 1:
        title = f"The mail of {runs[0].login} is not alike on {server} and {other}"
    return Reply(title, tuple(parts), (Button("Try now", "mail sync"),), Tone.BAD)


def silent_card(server: str, why: Failure) -> Reply:
    """Return the card of a server that answers, but does not say whose mail it has."""
    return Reply(f"No mailbox is kept alike on {server}: {why.message}", (Text(why.hint),), tone=Tone.BAD)


def seed_question(pair: MailboxPair, source: str, names: Sequence[str]) -> str:
    """Return what is asked before mailboxes become one."""
    target = pair.other if source == pair.server else pair.server
    return (
        f"Make {listing(tuple(names))} of {pair.login} one on {source} and {target}? All messages of both sides stay. "
        f"Mail programs that read on {target} fetch everything once more."
    )


def seed_asks(pair: MailboxPair, source: str, names: Sequence[str]) -> Reply:
    """Return what would be done, with the button that does it, where nobody can be asked."""
    question = seed_question(pair, source, names)
    line = shlex.join(["mail", "seed", pair.login, "--from", source, "--yes"])
    confirm = Confirm("Make them one?", question, yes="Yes, make them one")
    return Reply(
        f"Nothing was changed yet: {question}",
        (Text(f"To do it: `{line}`."),),
        (Button("Make them one", line, confirm=confirm),),
        Tone.WARN,
        exit_code=3,
    )
