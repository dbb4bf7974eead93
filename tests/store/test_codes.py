"""Codes of a second factor: asked for, counted once, and not to be guessed; over the store that all bots share."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest
from given_ports import ports_with

from commands import Request
from commands._second_factor import ask_for_code
from core.errors import RefusedError
from core.fleet import DnsSettings, Fleet, SlackAccess
from core.people import Person, Role
from ops.fleetfile.second_factor import enroll

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from store.conftest import LeaseClock

    from ops.store import Store

NOT = "Plan K7Q2 was not approved."
LINE = "approve K7Q2"
ALICE = Person("U0ALICE", "slack", frozenset({Role.APPROVER}), approves_as="U0ALICE")


@dataclass
class Clock:
    """Shows a moment in the middle of a time step."""

    at: datetime = datetime(2026, 6, 14, 13, 2, 15, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@dataclass
class Desk:
    """Where people approve: what they type goes to the store that others use too."""

    store: Store
    access: SlackAccess
    clock: Clock
    secret: pyotp.TOTP

    def code(self, *, steps: int = 0) -> str:
        return self.secret.at(self.clock.at, counter_offset=steps)

    async def give(
        self,
        code: str | None,
        person: Person = ALICE,
        read: Callable[[str], str] | None = None,
        store: Store | None = None,
    ) -> None:
        fleet = Fleet("test", "UTC", {}, {}, DnsSettings((), (), ()), slack=self.access)
        ports = ports_with(fleet, store=store or self.store, clock=self.clock)
        request = Request(person, argparse.Namespace(code=code), read=read)
        await ask_for_code(request, ports, self.access, NOT, LINE)


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Desk:
    folder = str(tmp_path / "totp")
    made = {
        name: pyotp.parse_uri(enroll(folder, name, "test", again=False)) for name in ("U0ALICE", "U0BOB", "terminal")
    }
    secret = made["U0ALICE"]
    assert isinstance(secret, pyotp.TOTP)
    return Desk(store, SlackAccess("C1", second_factor=folder), Clock(), secret)


async def test_a_right_code_is_taken_with_or_without_spaces(desk: Desk) -> None:
    code = desk.code()
    await desk.give(f"{code[:3]} {code[3:]}")


async def test_nothing_is_asked_for_where_the_file_wants_no_code(desk: Desk) -> None:
    await replace(desk, access=SlackAccess("C1")).give(None)


async def test_without_a_code_it_is_said_what_to_type(desk: Desk) -> None:
    with pytest.raises(RefusedError, match="It takes a code of your authenticator") as refused:
        await desk.give(None)
    assert refused.value.hint == "Type: `approve K7Q2 --code CODE`."


async def test_at_the_terminal_it_is_asked_for(desk: Desk) -> None:
    asked: list[str] = []

    def read(question: str) -> str:
        asked.append(question)
        return desk.code()

    await desk.give(None, read=read)
    assert asked == ["Code of your authenticator (U0ALICE):"]


async def test_a_code_counts_once_also_given_to_another_bot(desk: Desk, second: Store) -> None:
    code = desk.code()
    await desk.give(code)
    for store in (desk.store, second):
        with pytest.raises(RefusedError, match="was used already"):
            await desk.give(code, store=store)
    desk.clock.at += timedelta(seconds=29)
    with pytest.raises(RefusedError, match="was used already"):
        await desk.give(code)
    await desk.give(desk.code())


async def test_a_code_of_somebody_else_is_a_wrong_one(desk: Desk) -> None:
    with pytest.raises(RefusedError, match="not the code of now"):
        await desk.give(desk.code(), replace(ALICE, id="U0BOB"))
    with pytest.raises(RefusedError, match="not the code of now"):
        await desk.give(desk.code(), Person("root", "terminal", frozenset(Role)))


async def test_five_wrong_codes_end_it_for_an_hour_and_for_nobody_else(desk: Desk, lease_clock: LeaseClock) -> None:
    wrong = desk.code(steps=5)
    for left in (
        "4 more wrong ones",
        "3 more wrong ones",
        "2 more wrong ones",
        "1 more wrong one",
        "0 more wrong ones",
    ):
        with pytest.raises(RefusedError, match="not the code of now") as refused:
            await desk.give(wrong)
        assert left in refused.value.hint
    with pytest.raises(RefusedError, match="5 wrong codes were given for U0ALICE within 1 h"):
        await desk.give(desk.code())
    with pytest.raises(RefusedError, match="not the code of now"):
        await desk.give(desk.code(), replace(ALICE, id="U0BOB"))
    lease_clock.passes(timedelta(minutes=59))
    with pytest.raises(RefusedError, match="5 wrong codes"):
        await desk.give(desk.code())
    lease_clock.passes(timedelta(minutes=2))
    await desk.give(desk.code())


async def test_right_codes_use_up_no_tries(desk: Desk) -> None:
    for _ in range(7):
        await desk.give(desk.code())
        desk.clock.at += timedelta(seconds=30)


async def test_a_wrong_code_is_on_record_without_being_repeated_there(desk: Desk) -> None:
    wrong = desk.code(steps=5)
    with pytest.raises(RefusedError):
        await desk.give(wrong)
    (entry,) = [one for one in await desk.store.record.entries() if one.kind == "code.refused"]
    assert (entry.subject, entry.who, entry.body) == ("U0ALICE", "slack:U0ALICE", {"why": "a wrong code", "left": 4})


async def test_who_is_not_enrolled_cannot_approve_and_has_tried_nothing(desk: Desk) -> None:
    for _ in range(7):
        with pytest.raises(RefusedError, match="is not enrolled"):
            await desk.give("123456", replace(ALICE, id="U0EVE"))


async def test_what_is_no_code_is_no_try(desk: Desk) -> None:
    for _ in range(7):
        with pytest.raises(RefusedError, match="A code has 6 digits"):
            await desk.give("12345")
    await desk.give(desk.code())
