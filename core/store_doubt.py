"""What people are told of a store that may not be the newest, and what they can do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.reply import Button, Confirm, Reply, Row, Table, Text, Tone
from core.store_standing import Standing, StoreNote
from core.wording import clock_time, count, listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from core.store_standing import StoreVerdict

HELD = "Until somebody has looked, nothing is approved, moved, copied or backed up with it. What drops is told as ever."
WAY_ON = "Is there a newer one? Stop the bot, put that in its place, start again. Else `store accept`."
ACCEPT = "store accept"
Copy = tuple[str, str]
HANDBOOK = "“The store is not the newest” in docs/handbook.md"


def why_in_doubt(verdict: StoreVerdict, timezone: str, now: datetime) -> str | None:
    """Say in a line why this store must not be acted upon, with the figures; None where it is the newest."""
    own, note, witness = verdict.own, verdict.note, verdict.told_by
    if verdict.standing is Standing.OTHER or note is None:
        return None
    at = clock_time(note.at, timezone, now)
    if verdict.standing is Standing.WENT_APART:
        return (
            f"Two copies of this store were in use: its entry {note.number:,} is another one "
            f"than the one that {witness} was told of at {at}"
        )
    if note.store != own.store:
        return f"This store went back in time: {witness} was told at {at} of the one that took its place"
    return (
        f"This store went back in time: it ends with entry {own.number:,} of its record, "
        f"and {witness} was told of entry {note.number:,} at {at}"
    )


def beside_another(verdict: StoreVerdict, timezone: str, now: datetime) -> str | None:
    """Say that the servers know a store that this one has never heard of, such as one that was lost; or return None.

    That is no reason to act upon nothing: a store that is begun anew asks DNS where each site is served.
    """
    note = verdict.note
    if verdict.standing is not Standing.OTHER or note is None:
        return None
    entries, at = count(note.number, "entry", "entries"), clock_time(note.at, timezone, now)
    return f"The fleet knows another store than this one: {verdict.told_by} was told at {at} of one with {entries}"


def beside_card(why: str, copies: Sequence[Copy]) -> Reply:
    """Return what people are told where copies are in quarantine by what the other store had said."""
    held = f"{_copies(copies)} that it had in quarantine: so again, until somebody has chosen: {_named(copies)}."
    return Reply(why, (Text(held), Text("Is that one still there? Stop the bot and put it back.")), tone=Tone.WARN)


def doubt_card(why: str) -> Reply:
    """Return what the ops channel is told, once, of a store in doubt."""
    confirm = Confirm(
        "Accept this store?",
        "Its open plans end, never to be carried out. What it does not know stays lost to it. This cannot be undone.",
        "Accept it",
    )
    button = Button("Accept this store", ACCEPT, "danger", confirm)
    return Reply(why, (Text(HELD), Text(WAY_ON), Text(f"Every step: {HANDBOOK}.")), (button,), Tone.BAD)


def with_doubt(reply: Reply, why: str) -> Reply:
    """Return an answer about the whole fleet, with why its store is in doubt before everything else, if it is."""
    if not why:
        return reply
    return replace(reply, parts=(Text(f"{why}. {HELD} {WAY_ON}", Tone.BAD), *reply.parts), tone=Tone.BAD, exit_code=1)


def accepted_card(why: str, who: str, ended: tuple[str, ...], quarantined: Sequence[Copy]) -> Reply:
    """Return what the card says from then on. ended: the plans that ended by it; quarantined: copies anew."""
    plans = f"Lost track of {listing(ended)}: never to be carried out from here on." if ended else "No plan was open."
    copies = f"{_copies(quarantined)} put in quarantine again, as the witness was told: {_named(quarantined)}."
    parts = (Text(f"Before: {why}."), Text(plans), *((Text(copies),) if quarantined else ()))
    return Reply(f"The store is accepted by {who}: it is acted upon again", parts, tone=Tone.GOOD)


def store_reply(
    verdict: StoreVerdict, told: Mapping[str, StoreNote | str | None], why: str, timezone: str, now: datetime
) -> Reply:
    """Answer which store this is, and what each witness knows. why: why it is in doubt; empty: it is not."""
    own = verdict.own
    rows = tuple(_row(name, told[name], own, timezone, now) for name in sorted(told))
    table = Table(("witness", "knows", "told"), rows)
    facts = {
        "store": own.store,
        "entries": own.number,
        "last_hash": own.hash,
        "standing": verdict.standing.name.lower(),
        "in_doubt": bool(why),
        "witnesses": {name: _fact(one) for name, one in told.items()},
    }
    if why:
        card = doubt_card(why)
        return Reply(why, (table, *card.parts), card.buttons, Tone.BAD, facts, exit_code=1)
    knowing = f"known to {verdict.knowing} of {count(len(told), 'witness', 'witnesses')}"
    silent = f", {len(verdict.silent)} did not answer" if verdict.silent else ""
    beside = beside_another(verdict, timezone, now)
    if beside is not None:
        return Reply(beside, (table,), tone=Tone.WARN, facts=facts)
    entries = count(own.number, "entry", "entries")
    title = f"The store {own.store}, {entries} on record: {knowing}{silent}; none knows a later one"
    return Reply(title, (table,), tone=Tone.WARN if verdict.silent else Tone.GOOD, facts=facts)


def _row(name: str, one: StoreNote | str | None, own: StoreNote, timezone: str, now: datetime) -> Row:
    if isinstance(one, StoreNote):
        before = "this one as it was" if one.store in own.earlier else f"another one, {one.store}"
        whose = "this one" if one.store == own.store else before
        knows = f"{whose}, entry {one.number:,}"
        return Row((name, knows, clock_time(one.at, timezone, now)))
    return Row((name, one, ""), Tone.WARN) if isinstance(one, str) else Row((name, "nothing yet", ""))


def _fact(one: StoreNote | str | None) -> dict[str, str | int] | str | None:
    return {"store": one.store, "entries": one.number, "hash": one.hash} if isinstance(one, StoreNote) else one


def _copies(copies: Sequence[Copy]) -> str:
    return count(len(copies), "copy", "copies")


def _named(copies: Sequence[Copy]) -> str:
    return listing([f"{site} on {server}" for site, server in copies])
