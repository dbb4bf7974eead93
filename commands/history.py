"""`history`: the record, newest last; `--verify` proves that nothing in it was changed or taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, Request, argument
from core.audit import first_broken
from core.errors import UsageError
from core.reply import Reply, Row, Table, Text, Tone
from core.wording import clock_time, count, from_stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops.ports import Ports

SHOWN = 20
BRIEF = ("title", "moment", "why", "step", "steps", "outcome", "server", "run")


async def run(request: Request, ports: Ports) -> Reply:
    """Show the newest entries, or verify all."""
    options = request.options
    if options.verify:
        return await _verify(ports)
    if options.last < 1:
        raise UsageError("--last needs at least one entry.", hint="For example: `history --last 50`.")
    entries = await ports.store.record.entries(last=options.last, subject=options.subject)
    now = ports.clock.now()
    rows = tuple(
        Row((clock_time(from_stamp(e.at), ports.fleet.timezone, now), e.kind, e.subject, e.who, _brief(e.body)))
        for e in entries
    )
    about = f" about {options.subject}" if options.subject else ""
    title = f"The last {count(len(rows), 'entry', 'entries')}{about}" if rows else f"Nothing on record{about}"
    facts = {
        "entries": [
            {"seq": e.seq, "at": e.at, "kind": e.kind, "subject": e.subject, "who": e.who, "body": dict(e.body)}
            for e in entries
        ]
    }
    return Reply(title, (Table(("when", "what", "about", "who", "detail"), rows),) if rows else (), facts=facts)


async def _verify(ports: Ports) -> Reply:
    entries = await ports.store.record.entries()
    broken = first_broken(entries)
    last = entries[-1].hash if entries else ""
    asked = await ports.standing.look() if ports.standing is not None else None
    knowing = asked.verdict.knowing if asked is not None else 0
    facts = {"entries": len(entries), "whole": broken is None, "first_broken": broken, "last_hash": last}
    if broken is None:
        title = (
            f"The record is whole: {count(len(entries), 'entry', 'entries')}, the last hash is {last[:16] or 'none'}"
        )
        if asked is not None and asked.why:
            return Reply(f"{title}. But: {asked.why}", tone=Tone.BAD, facts={**facts, "why": asked.why}, exit_code=1)
        known = f"Its end fits what was told to {count(knowing, 'witness', 'witnesses')} outside of it."
        return Reply(title, (Text(known),) if asked is not None else (), tone=Tone.GOOD, facts=facts)
    title = f"The record was tampered with: entry {broken} of {len(entries):,} is not as it was written"
    return Reply(title, tone=Tone.BAD, facts=facts, exit_code=1)


def _brief(body: Mapping[str, object]) -> str:
    words = [_word(body[key]) for key in BRIEF if body.get(key)]
    return "; ".join(word for word in words if word)


def _word(value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    ends = [one for one in value if isinstance(one, dict)]
    return ", ".join(f"{one['step']}: {one['outcome']}" for one in ends) or ", ".join(str(one) for one in value)


COMMAND = Command(
    name="history",
    summary="the record of everything that was asked, approved and done; --verify proves that it is whole",
    run=run,
    arguments=(
        argument("subject", nargs="?", metavar="PLAN or SITE", help="only what is about this"),
        argument("--verify", action="store_true", help="check the chain of hashes over the whole record"),
        argument("--last", type=int, default=SHOWN, metavar="N", help=f"how many entries ({SHOWN})"),
    ),
    examples=("history", "history ID", "history --verify"),
    answers_json=True,
)
