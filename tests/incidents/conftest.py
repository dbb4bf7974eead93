"""The made-up world of the watch, with people who type, and with the jobs that the clock asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from watch.conftest import set_stage, stage

from commands import answer, split_line
from core.people import Person, Role
from jobs.maintenance import JOB as MAINTENANCE
from jobs.reminders import JOB as REMINDERS

if TYPE_CHECKING:
    from watch.conftest import SetStage, Stage

    from core.reply import Reply

__all__ = ["set_stage", "stage"]

ALICE = Person("UALICE", "slack", frozenset({Role.OPERATOR}))
BOB = Person("UBOB", "slack", frozenset({Role.OPERATOR}))
EVE = Person("UEVE", "slack", frozenset())
STEP_S = 5.0


@pytest.fixture
async def quiet_stage(set_stage: SetStage) -> Stage:
    """Set up a fleet at which no bot looks: for what is only typed."""
    return await set_stage()


async def type_in(stage: Stage, line: str, person: Person = ALICE) -> Reply:
    """Type a line as a person would."""
    return await answer(split_line(line), person, person.via, stage.ports)


async def play(stage: Stage, seconds: float) -> None:
    """Let time pass, with the jobs run as often as the bot runs them, or a little more often."""
    passed_s = 0.0
    while passed_s < seconds:
        await stage.play(min(STEP_S, seconds - passed_s))
        passed_s += STEP_S
        await run_jobs(stage)


async def run_jobs(stage: Stage) -> None:
    for job in (MAINTENANCE, REMINDERS):
        await job.run(stage.ports, "", stage.clock.now())


async def thread(stage: Stage, card: str) -> list[str]:
    """Return the lines of a card's thread that Slack has not been given, oldest first; as if it had the card."""
    await stage.store.cards.posted(card, 0, "C01OPS", "1.0")
    return [note.text for note in await stage.store.cards.waiting_notes() if note.card == card]


async def sent(stage: Stage) -> None:
    """Let Slack take every line of every thread."""
    for key in [card.key for card in await stage.store.cards.waiting()]:
        await stage.store.cards.posted(key, 0, "C01OPS", "1.0")
    for note in await stage.store.cards.waiting_notes():
        await stage.store.cards.note_sent(note.number, stage.clock.now())


async def card_title(stage: Stage, key: str) -> str:
    card = await stage.store.cards.get(key)
    assert card is not None, key
    return card.reply.title


async def on_record(stage: Stage, kind: str) -> list[str]:
    """Return what the entries of this kind are about, with who did it."""
    return [f"{entry.subject} by {entry.who}" for entry in await stage.store.record.entries() if entry.kind == kind]
