"""Who is in the chat's user groups now, and that nobody waits long for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ops.people import user_groups
from ops.people.user_groups import UserGroups

if TYPE_CHECKING:
    import pytest


async def slack(group: str) -> frozenset[str] | None:
    if group == "S0SLOW":
        await asyncio.sleep(60)
    return {"S0TEAM": frozenset({"U0ALICE"})}.get(group)


async def test_those_are_left_out_of_which_nobody_can_say_it_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_groups, "ASK_S", 0.05)
    groups = UserGroups()
    groups.asked_by(slack)
    assert await groups.members(["S0TEAM", "S0SLOW", "S0OTHER"]) == {"S0TEAM": {"U0ALICE"}}
    assert await groups.members([]) == {}


async def test_without_a_chat_nobody_is_waited_for_and_with_one_to_come_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = UserGroups()
    assert await groups.members(["S0TEAM"]) == {}
    groups.expect()
    asking = asyncio.ensure_future(groups.members(["S0TEAM"]))
    await asyncio.sleep(0)
    groups.asked_by(slack)
    assert await asking == {"S0TEAM": {"U0ALICE"}}
    late = UserGroups()
    late.expect()
    monkeypatch.setattr(user_groups, "ASK_S", 0.05)
    assert await late.members(["S0TEAM"]) == {}
