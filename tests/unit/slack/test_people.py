from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.slack.people import People
from core.errors import SettingsError
from core.fleet import SlackAccess
from core.fleet.workspace import Workspace
from core.people import Role
from core.reply import Button, Reply, Row, Table, Text

if TYPE_CHECKING:
    from core.fleet import Fleet


@dataclass
class FakeSlack:
    """Knows two groups and two users; says `error` instead where one is set, and counts what it is asked."""

    groups: dict[str, list[str]] = field(default_factory=lambda: {"S01": ["U05", "W06"], "S02": []})
    users: dict[str, str] = field(default_factory=lambda: {"U01ALICE": "alice", "U02BOB": "bob"})
    flags: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: str = ""
    asked: int = 0
    groups_asked: int = 0

    def _refuse(self, error: str) -> None:
        raise SlackApiError(error, {"ok": False, "error": error})

    async def usergroups_users_list(self, *, usergroup: str) -> dict[str, Any]:
        self.asked += 1
        self.groups_asked += 1
        if self.error:
            self._refuse(self.error)
        return {"users": self.groups[usergroup]}

    async def users_info(self, *, user: str) -> dict[str, Any]:
        self.asked += 1
        if user not in self.users or self.error:
            self._refuse(self.error or "user_not_found")
        return {"user": {"name": self.users[user], **self.flags.get(user, {})}}


@dataclass
class FakeClock:
    at: float = 1000.0

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def slack() -> FakeSlack:
    return FakeSlack()


@pytest.fixture
def people(fleet: Fleet, slack: FakeSlack, clock: FakeClock) -> People:
    section = SlackAccess("C1", operators=("U01ALICE", "S01"), approvers=("U02BOB", "S02"))
    return People(replace(fleet, slack=section), slack, clock)  # type: ignore[arg-type]


async def test_roles_come_from_the_fleet_file_one_by_one(people: People) -> None:
    alice, bob, eve = [await people.person_of(user) for user in ("U01ALICE", "U02BOB", "U03EVE")]
    assert (alice.roles, bob.roles, eve.roles) == ({Role.OPERATOR}, {Role.APPROVER}, frozenset())
    assert alice.label == "slack:U01ALICE"


async def test_a_member_of_a_user_group_holds_its_roles(people: People) -> None:
    assert (await people.person_of("W06")).roles == {Role.OPERATOR}


async def test_where_slack_cannot_say_who_is_in_a_group_nobody_is(people: People, slack: FakeSlack) -> None:
    slack.error = "missing_scope"
    assert (await people.person_of("U05")).roles == frozenset()


async def test_someone_named_by_id_keeps_their_role_while_slack_cannot_say_who_is_in_a_group(
    people: People, slack: FakeSlack
) -> None:
    slack.error = "internal_error"
    assert (await people.person_of("U01ALICE")).roles == {Role.OPERATOR}


async def test_who_left_a_group_loses_its_role_within_a_minute(
    people: People, slack: FakeSlack, clock: FakeClock
) -> None:
    assert (await people.person_of("U05")).may(Role.OPERATOR)
    slack.groups["S01"] = []
    clock.at += 61
    assert not (await people.person_of("U05")).may(Role.OPERATOR)


async def test_a_group_is_asked_for_once_a_minute_and_not_at_every_press(people: People, slack: FakeSlack) -> None:
    await people.person_of("U05")
    before = slack.asked
    await people.person_of("U05")
    assert slack.asked == before


async def test_a_fleet_without_slack_gives_nobody_a_role(fleet: Fleet, slack: FakeSlack, clock: FakeClock) -> None:
    people = People(fleet, slack, clock)  # type: ignore[arg-type]
    assert (await people.person_of("U01ALICE")).roles == frozenset()


async def test_people_are_shown_by_their_handle_and_typed_lines_are_left_alone(people: People) -> None:
    reply = Reply(
        "Approved by slack:U02BOB",
        (Text("Asked by slack:U01ALICE."), Table(("who",), (Row(("slack:U02BOB",)),))),
        (Button("Again", "cause 'slack:U01ALICE did it'"),),
    )
    shown = await people.named(reply)
    assert shown.title == "Approved by @bob"
    assert shown.parts == (Text("Asked by @alice."), Table(("who",), (Row(("@bob",)),)))
    assert shown.buttons == reply.buttons


async def test_somebody_whom_slack_does_not_know_keeps_their_id(people: People) -> None:
    assert (await people.named(Reply("By slack:U09NOBODY"))).title == "By slack:U09NOBODY"


async def test_who_is_unknown_is_not_asked_for_at_every_edit(people: People, slack: FakeSlack) -> None:
    await people.named(Reply("By slack:U09NOBODY"))
    before = slack.asked
    await people.named(Reply("By slack:U09NOBODY"))
    assert slack.asked == before


async def test_however_many_ask_at_once_slack_is_asked_once_who_is_in_a_group(people: People, slack: FakeSlack) -> None:
    await asyncio.gather(*(people.person_of(f"U1{number}") for number in range(100)))
    assert slack.groups_asked == 2


async def test_that_slack_cannot_say_who_is_in_a_group_counts_for_two_seconds(
    people: People, slack: FakeSlack, clock: FakeClock
) -> None:
    slack.error = "internal_error"
    await people.person_of("U05")
    slack.error = ""
    clock.at += 1.9
    assert (await people.person_of("U05")).roles == frozenset()
    clock.at += 0.1
    assert (await people.person_of("U05")).roles == {Role.OPERATOR}


@dataclass
class LiveFile:
    """A fleet file that changes: its people, or why it cannot be used."""

    fleet: Fleet
    error: SettingsError | None = None

    def __call__(self) -> Fleet:
        if self.error is not None:
            raise self.error
        return self.fleet


async def test_a_change_of_people_counts_at_once_and_the_last_good_one_while_the_file_cannot_be_used(
    fleet: Fleet, slack: FakeSlack, clock: FakeClock
) -> None:
    start = replace(fleet, slack=SlackAccess("C1", operators=("U01ALICE",), approvers=("U01ALICE",)))
    live = LiveFile(start)
    people = People(start, slack, clock, live)  # type: ignore[arg-type]
    assert (await people.person_of("U01ALICE")).may(Role.APPROVER)
    live.fleet = replace(fleet, slack=SlackAccess("C1", operators=("U01ALICE",), approvers=("U02BOB",)))
    assert (await people.person_of("U01ALICE")).roles == {Role.OPERATOR}
    assert (await people.person_of("U02BOB")).may(Role.APPROVER)
    live.error = SettingsError("app.yaml has 1 problem.")
    assert (await people.person_of("U01ALICE")).roles == {Role.OPERATOR}


async def test_what_makes_somebody_an_approver_is_known_with_them(people: People, slack: FakeSlack) -> None:
    slack.groups["S02"] = ["U05"]
    assert (await people.person_of("U02BOB")).approves_as == "U02BOB"
    assert (await people.person_of("U05")).approves_as == "S02"
    assert (await people.person_of("U01ALICE")).approves_as == ""


async def test_a_guest_with_a_role_may_nothing_and_reads_nothing(people: People, slack: FakeSlack) -> None:
    slack.flags["U01ALICE"] = {"is_restricted": True}
    alice = await people.person_of("U01ALICE")
    assert (alice.barred, alice.may(Role.ANYONE), alice.may(Role.OPERATOR)) == (
        "guests of this workspace are not served.",
        False,
        False,
    )


async def test_people_of_another_workspace_than_the_bots_may_nothing(
    fleet: Fleet, slack: FakeSlack, clock: FakeClock
) -> None:
    async def own() -> Workspace:
        return Workspace("T0OWN")

    listed = replace(fleet, slack=SlackAccess("C1", operators=("U01ALICE", "U02BOB")))
    people = People(listed, slack, clock, own=own)  # type: ignore[arg-type]
    slack.flags = {"U01ALICE": {"team_id": "T0EVIL"}, "U02BOB": {"team_id": "T0OWN"}}
    assert (await people.person_of("U01ALICE")).barred == "people of other organisations are not served."
    assert (await people.person_of("U02BOB")).may(Role.OPERATOR)


async def test_who_has_become_a_guest_is_one_within_a_minute(
    people: People, slack: FakeSlack, clock: FakeClock
) -> None:
    assert (await people.person_of("U01ALICE")).may(Role.OPERATOR)
    slack.flags["U01ALICE"] = {"is_restricted": True}
    clock.at += 61
    assert not (await people.person_of("U01ALICE")).may(Role.OPERATOR)


async def test_somebody_of_whom_slack_says_nothing_and_the_file_neither_reads_nothing(people: People) -> None:
    assert not (await people.person_of("U09NOBODY")).may(Role.ANYONE)


@pytest.mark.parametrize(
    ("error", "users", "members"),
    [
        ("", ["U05", "W06"], {"U05", "W06"}),
        ("", [], set()),
        ("", None, None),
        ("", "U05", None),
        ("ratelimited", [], None),
        ("no_such_subteam", [], set()),
    ],
)
async def test_who_is_in_a_group_now_is_told_from_what_slack_does_not_say(
    people: People, slack: FakeSlack, error: str, users: list[str], members: set[str] | None
) -> None:
    slack.error, slack.groups["S01"] = error, users
    assert await people.members_now("S01") == members
