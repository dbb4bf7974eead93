"""`history`: the record, newest last; `--verify` proves that nothing in it was changed or taken out."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from commands import Command, Request, argument
from core.audit import judge_anchors, read_anchor
from core.errors import UsageError
from core.people import Role
from core.reply import Reply, Row, Table, Text, Tone
from core.wording import clock_time, count, from_stamp, listing
from ops.gather.anchors import BackupAnchors, anchors_in_backups, anchors_of_witnesses, anchors_on_pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from core.audit import Anchor, Anchored, Entry
    from core.reply import Json, Part
    from ops.durable.standing import Asked
    from ops.ports import Ports

SHOWN = 20
# One answer has no more entries than this, and these no more text.
MOST = 1000
MOST_BYTES = 4_000_000
# The greatest number that the store counts to.
GREATEST = 2**63 - 1
SAID_EVERY = 10_000
# What programs wrote, and the lines of hooks, may hold anything: they are for operators.
FOR_OPERATORS = frozenset({"why", "run"})
BRIEF = ("title", "moment", "why", "step", "steps", "outcome", "server", "run")


async def run(request: Request, ports: Ports) -> Reply:
    """Show the newest entries, or verify all."""
    options = request.options
    if options.verify:
        return await _verify(request, ports, _noted(options.anchor))
    if options.anchor:
        raise UsageError("--anchor says what the record is compared with.", hint="Type `history --verify --anchor …`.")
    _refuse_out_of_bounds(options.last, options.before)
    entries = await ports.store.record.entries(
        last=options.last, subject=options.subject, before=options.before, most_bytes=MOST_BYTES
    )
    now, in_full = ports.clock.now(), _may_see_all(request)
    keys = [key for key in BRIEF if in_full or key not in FOR_OPERATORS]
    rows = tuple(Row((_when(e, ports, now), e.kind, e.subject, e.who, _brief(e.body, keys))) for e in entries)
    about = f" about {options.subject}" if options.subject else ""
    title = f"The last {count(len(rows), 'entry', 'entries')}{about}" if rows else f"Nothing on record{about}"
    parts: list[Part] = [Table(("when", "what", "about", "who", "detail"), rows)] if rows else []
    if rows and entries[0].seq > 1:
        words = ["history", *([options.subject] if options.subject else []), "--before", str(entries[0].seq)]
        parts.append(Text(f"What was before: `{shlex.join(words)}`."))
    facts = {
        "entries": [
            {"seq": e.seq, "at": e.at, "kind": e.kind, "subject": e.subject, "who": e.who, "body": dict(e.body)}
            for e in entries
        ]
    }
    return Reply(title, tuple(parts), facts=facts if in_full else None)


def _may_see_all(request: Request) -> bool:
    return request.person.may(Role.OPERATOR) or request.person.may(Role.APPROVER)


def _refuse_out_of_bounds(last: int, before: int | None) -> None:
    if last < 1:
        raise UsageError("--last needs at least one entry.", hint="For example: `history --last 50`.")
    if last > MOST:
        raise UsageError(
            f"--last {last:,} is more than {MOST:,}, the most that one answer shows.",
            hint=f"`history --last {MOST}` ends with the line that shows what was before.",
        )
    if before is not None and not 1 <= before <= GREATEST:
        raise UsageError("--before needs the number of an entry.", hint="For example: `history --before 1200`.")


def _when(entry: Entry, ports: Ports, now: datetime) -> str:
    try:
        return clock_time(from_stamp(entry.at), ports.fleet.timezone, now)
    except ValueError:
        # Not written by us: `--verify` says so.
        return entry.at


def _noted(given: Sequence[str] | None) -> tuple[Anchor, ...]:
    """Read what somebody has kept of the record."""
    try:
        return tuple(read_anchor(text, "what you typed") for text in given or ())
    except ValueError as error:
        hint = (
            "As a daily message or a status page has it: `history --verify --anchor 1234:…`, with at least 32 digits."
        )
        raise UsageError(f"--anchor: {error}.", hint=hint) from error


async def _verify(request: Request, ports: Ports, noted: tuple[Anchor, ...]) -> Reply:
    def show(read: int) -> None:
        if read % SAID_EVERY == 0:
            request.show(Reply(f"Verifying the record: {count(read, 'entry', 'entries')} so far", tone=Tone.BUSY))

    found = await ports.store.record.verify(show)
    broken = found.broken
    asked = await ports.standing.look() if ports.standing is not None else None
    knowing = asked.verdict.knowing if asked is not None else 0
    facts: dict[str, Json] = {
        "entries": found.entries,
        "whole": broken is None,
        "first_broken": broken,
        "last_hash": found.last_hash,
    }
    if broken is None:
        title = (
            f"The record is whole: {count(found.entries, 'entry', 'entries')}, "
            f"the last hash is {found.last_hash[:16] or 'none'}"
        )
        if asked is not None and asked.why:
            return Reply(f"{title}. But: {asked.why}", tone=Tone.BAD, facts={**facts, "why": asked.why}, exit_code=1)
        known = f"Its end fits what was told to {count(knowing, 'witness', 'witnesses')} outside of it."
        told = (Text(known),) if asked is not None else ()
        backups = await anchors_in_backups(ports) if _may_see_all(request) else BackupAnchors()
        anchored = await _anchored(ports, asked, (*noted, *backups.anchors))
        facts = {**facts, **_anchor_facts(anchored), "backups_not_read": list(backups.unread)}
        if backups.unread:
            told = (*told, Text(f"Not compared with the backups of {listing(backups.unread)}: they could not be read."))
        if anchored.against:
            title = f"The record was written anew: {_differs(anchored.against[0], ports)}"
            if all(one in backups.anchors for one in anchored.against):
                told = (*told, Text(_BY_BACKUPS_ALONE, Tone.WARN))
            return Reply(title, told, tone=Tone.BAD, facts=facts, exit_code=1)
        return Reply(title, (*told, Text(_proven(anchored, found.entries, ports))), tone=Tone.GOOD, facts=facts)
    title = f"The record was tampered with: entry {broken} of {found.entries:,} is not as it was written"
    return Reply(title, tone=Tone.BAD, facts=facts, exit_code=1)


_BY_BACKUPS_ALONE = (
    "Only backups say so: the server that they are of could have added one that says what it likes. Compare the record "
    "with a daily message before you believe either, and look at that server."
)


async def _anchored(ports: Ports, asked: Asked | None, noted: tuple[Anchor, ...]) -> Anchored:
    """Compare the record with what is kept of it outside of this machine, as far as that can be reached."""
    kept = anchors_of_witnesses(asked.told, asked.verdict.own.store) if asked is not None else ()
    anchors = (*noted, *kept, *await anchors_on_pages(ports))
    hashes = await ports.store.identity.hashes({anchor.number for anchor in anchors})
    return judge_anchors(anchors, hashes)


def _anchor_facts(anchored: Anchored) -> dict[str, Json]:
    proven = anchored.proven
    return {
        "proven_to": proven.number if proven is not None else None,
        "proven_by": proven.where if proven is not None else None,
        "against": [{"number": one.number, "where": one.where} for one in anchored.against],
    }


def _differs(anchor: Anchor, ports: Ports) -> str:
    return f"entry {anchor.number:,} is not the one of {anchor.where}{_at(anchor, ports)}"


def _proven(anchored: Anchored, entries: int, ports: Ports) -> str:
    proven = anchored.proven
    if proven is None:
        return (
            "Nothing outside says anything of it, so only its chain was checked: who can write the store can write all "
            "of it anew. Compare it with a daily message: `history --verify --anchor NUMBER:HASH`."
        )
    since = entries - proven.number
    rest = f"; {count(since, 'entry', 'entries')} since then by the chain alone" if since else ""
    return f"Proven up to entry {proven.number:,} by {proven.where}{_at(proven, ports)}{rest}."


def _at(anchor: Anchor, ports: Ports) -> str:
    return f", {clock_time(anchor.at, ports.fleet.timezone, ports.clock.now())}" if anchor.at is not None else ""


def _brief(body: Mapping[str, object], keys: Iterable[str]) -> str:
    words = [_word(body[key]) for key in keys if body.get(key)]
    return "; ".join(word for word in words if word)


def _word(value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    ends = [one for one in value if isinstance(one, dict) and {"step", "outcome"} <= one.keys()]
    return ", ".join(f"{one['step']}: {one['outcome']}" for one in ends) or ", ".join(str(one) for one in value)


COMMAND = Command(
    name="history",
    summary="the record of everything that was asked, approved and done; --verify proves that it is whole",
    run=run,
    arguments=(
        argument("subject", nargs="?", metavar="PLAN or SITE", help="only what is about this"),
        argument("--verify", action="store_true", help="check the chain of hashes over the whole record"),
        argument("--last", type=int, default=SHOWN, metavar="N", help=f"how many entries ({SHOWN}; at most {MOST:,})"),
        argument("--before", type=int, metavar="NUMBER", help="only what is older than the entry of this number"),
        argument(
            "--anchor", action="append", metavar="NUMBER:HASH", help="compare with what a message or a status page says"
        ),
    ),
    examples=("history", "history ID", "history --verify"),
    answers_json=True,
)
