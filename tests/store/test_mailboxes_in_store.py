"""Runs on mailboxes: the last of each by itself, and on record only what a person asked for or what changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from store.others import OTHERS_MAIL

from core.mailboxes.pairs import MailboxPair
from core.mailboxes.result import MailboxEnd, MailboxRun

if TYPE_CHECKING:
    from ops.store import Store

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ANN = MailboxPair("ann@fjord.example", "oslo", "lima")
ROME = MailboxPair("ann@fjord.example", "oslo", "rome")
ALIKE, FULL = MailboxEnd("alike", "mark AQ==", {}), MailboxEnd("disk-full", "", {"why": "full"})


async def ran(store: Store, pair: MailboxPair, end: MailboxEnd, at: datetime, *, asked: bool = False) -> str:
    before = await store.mailboxes.begin(pair, at, "bot", asked=asked)
    await store.mailboxes.end(pair, end, at + MINUTE, "bot", asked=asked)
    return before


async def own(store: Store) -> list[MailboxRun]:
    return [run for run in await store.mailboxes.all() if run.login == ANN.login]


async def recorded(store: Store) -> list[str]:
    return [entry.kind for entry in await store.record.entries(subject=ANN.login)]


async def test_a_run_goes_on_with_the_state_of_the_last_good_one_of_the_same_two_servers(store: Store) -> None:
    assert await ran(store, ANN, ALIKE, NOW) == ""
    assert await ran(store, ROME, ALIKE, NOW) == ""
    assert await ran(store, ANN, FULL, NOW + MINUTE) == "mark AQ=="
    assert await ran(store, ANN, FULL, NOW + 2 * MINUTE) == ""
    common = {"login": ANN.login, "server": "oslo", "alike_at": NOW}
    assert await own(store) == [
        MailboxRun(
            **common,
            other="lima",
            begun_at=NOW + 2 * MINUTE,
            ended_at=NOW + 3 * MINUTE,
            outcome="disk-full",
            failures=2,
            state="",
            body={"why": "full"},
        ),
        MailboxRun(
            **common,
            other="rome",
            begun_at=NOW,
            ended_at=NOW + MINUTE,
            outcome="alike",
            failures=0,
            state="mark AQ==",
            body={},
        ),
    ]
    await ran(store, ANN, ALIKE, NOW + 5 * MINUTE)
    lima = (await own(store))[0]
    assert (lima.failures, lima.alike_at, lima.body) == (0, NOW + 5 * MINUTE, {})


async def test_the_clocks_runs_are_on_record_where_they_end_otherwise_than_before(store: Store) -> None:
    for end in (ALIKE, ALIKE, FULL, FULL, ALIKE, ALIKE):
        await ran(store, ANN, end, NOW)
    assert await recorded(store) == ["mailbox.alike", "mailbox.disk-full", "mailbox.alike"]


async def test_what_a_person_asked_for_is_on_record_before_it_begins_and_when_it_has_ended(store: Store) -> None:
    for _ in range(2):
        await ran(store, ANN, ALIKE, NOW, asked=True)
    assert await recorded(store) == ["mailbox.begun", "mailbox.alike"] * 2
    entries = await store.record.entries(subject=ANN.login)
    assert entries[0].body == {"server": "oslo", "other": "lima"}


async def test_a_run_whose_process_died_is_on_record_when_the_next_one_begins(store: Store) -> None:
    await store.mailboxes.begin(ANN, NOW, "bot", asked=True)
    await ran(store, ROME, ALIKE, NOW)
    assert await recorded(store) == ["mailbox.begun", "mailbox.alike"]
    await ran(store, ANN, ALIKE, NOW + MINUTE)
    assert await recorded(store) == ["mailbox.begun", "mailbox.alike", "mailbox.interrupted", "mailbox.alike"]


async def test_what_nobody_keeps_alike_any_more_is_forgotten(store: Store) -> None:
    for pair in (ANN, ROME):
        await ran(store, pair, ALIKE, NOW)
    await store.mailboxes.keep_only([ROME, OTHERS_MAIL])
    assert [(run.login, run.other) for run in await own(store)] == [(ROME.login, "rome")]
