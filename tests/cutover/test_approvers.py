"""Whose approvals count, and what they take: judged when they are used, by the people of that moment."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp
import pytest
from cutover.harness import BOSS, edit, staged
from unit.replies import said

from core.errors import RefusedError
from core.people import Person, Role
from core.plan.plan import PlanState
from ops.fleetfile.second_factor import enroll

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from cutover.harness import Stage

SHARPNET = Path(sys.executable).parent / "sharpnet"
BOTH = frozenset({Role.OPERATOR, Role.APPROVER})
ALICE, BOB, CAROL = (Person(user, "slack", BOTH) for user in ("U01ALICE", "U02BOB", "U03CAROL"))
OF_THE_GROUP = Person("U02BOB", "slack", BOTH, approves_as="S01TEAM")
APPROVED = 0


def need_two(tree: dict[str, Any]) -> None:
    tree["slack"]["approvals_needed"] = 2


def need_two_of_three(tree: dict[str, Any]) -> None:
    need_two(tree)
    tree["slack"]["approvers"] = ["U01ALICE", "U02BOB", "U03CAROL"]


def name_the_terminal(tree: dict[str, Any]) -> None:
    need_two_of_three(tree)
    tree["slack"]["terminal"] = {str(os.getuid()): "U02BOB"}


def want_codes(tree: dict[str, Any]) -> None:
    tree["slack"]["second_factor"] = "totp"


def by_group(tree: dict[str, Any]) -> None:
    tree["slack"]["approvers"] = ["S01TEAM"]


def saying(members: frozenset[str] | None) -> Callable[[str], Awaitable[frozenset[str] | None]]:
    """Say that these are in every group; None: Slack does not tell."""

    async def ask(_group: str) -> frozenset[str] | None:
        return members

    return ask


def without_bob(tree: dict[str, Any]) -> None:
    tree["slack"]["approvers"].remove("U02BOB")


def typed(stage: Stage, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Type a line at the terminal as a process of its own, with names in its environment."""
    store = f"sqlite:///{stage.config.parent / 'sharpnet.db'}"
    environ = {**os.environ, "SHARPNET_CONFIG": str(stage.config), "DATABASE_URL": store, **env}
    return subprocess.run([SHARPNET, *words], env=environ, check=False, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("change", [need_two_of_three])
async def test_one_terminal_is_one_person_whatever_the_environment_says(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan(person=ALICE)
    first = await asyncio.to_thread(typed, stage, "approve", plan_id, LOGNAME="alice", USER="alice", SUDO_UID="1")
    assert first.returncode == APPROVED, first.stdout + first.stderr
    second = await asyncio.to_thread(typed, stage, "approve", plan_id, LOGNAME="bob", USER="bob", SUDO_UID="2")
    assert second.returncode == RefusedError.exit_code
    assert "somebody else has to as well" in second.stderr
    assert stage.all_answer("fjord.example", "oslo")
    assert (await stage.say(f"approve {plan_id}", BOB)).exit_code == 0
    assert stage.all_answer("fjord.example", "lima")


@pytest.mark.parametrize("change", [name_the_terminal])
async def test_somebody_whom_the_file_names_at_the_terminal_is_not_two_people(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan(person=ALICE)
    first = await asyncio.to_thread(typed, stage, "approve", plan_id)
    assert first.returncode == APPROVED, first.stdout + first.stderr
    with pytest.raises(RefusedError, match="You have approved it already"):
        await stage.say(f"approve {plan_id}", BOB)
    with pytest.raises(RefusedError, match="does not say who terminal:boss is"):
        await stage.say(f"approve {plan_id}", BOSS)
    assert (await stage.say(f"approve {plan_id}", CAROL)).exit_code == 0


@pytest.mark.parametrize("change", [need_two_of_three])
async def test_an_approval_of_somebody_removed_since_does_not_count_for_the_next_one(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan(person=ALICE)
    await stage.say(f"approve {plan_id}", BOB)
    edit(stage, without_bob)
    waiting = await stage.say(f"approve {plan_id}", CAROL)
    assert await stage.state_of(plan_id) == PlanState.PLANNED
    assert "Needs 2 approvals" in said(waiting)
    assert stage.all_answer("fjord.example", "oslo")


async def test_a_plan_is_not_begun_by_the_approval_of_somebody_removed_since(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    await stage.approve_and_die(plan_id, BOB)
    edit(stage, without_bob)
    async with staged(stage.lab, stage.config.parent) as after_a_restart:
        assert await after_a_restart.carry_out(plan_id) == PlanState.STALE
        card = await after_a_restart.card(plan_id)
    assert "0 of 1 approval left: slack:U02BOB is no approver any more" in said(card)
    assert stage.all_answer("fjord.example", "oslo")


@pytest.mark.parametrize("change", [by_group])
async def test_a_plan_is_not_begun_by_the_approval_of_somebody_who_has_left_the_group_since(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    await stage.approve_and_die(plan_id, OF_THE_GROUP)
    stage.ports.groups.asked_by(saying(frozenset({"U03CAROL"})))
    assert await stage.carry_out(plan_id) == PlanState.STALE
    assert "slack:U02BOB is no approver any more" in said(await stage.card(plan_id))
    assert stage.all_answer("fjord.example", "oslo")


@pytest.mark.parametrize("change", [by_group])
@pytest.mark.parametrize("knows", [True, False])
async def test_where_nobody_can_say_who_is_in_the_group_who_was_counts_and_it_is_said(
    stage: Stage, knows: bool
) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    await stage.approve_and_die(plan_id, OF_THE_GROUP)
    stage.ports.groups.asked_by(saying(frozenset({"U02BOB"}) if knows else None))
    assert await stage.carry_out(plan_id) == PlanState.CONFIRMED
    words = "Nobody could say who is in S01TEAM when it began"
    assert (words in said(await stage.card(plan_id))) is not knows
    kinds = [entry.kind for entry in await stage.ports.store.record.entries(subject=plan_id)]
    assert ("plan.members-unknown" in kinds) is not knows


async def test_a_plan_is_begun_by_the_approval_of_somebody_who_is_still_there(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    await stage.approve_and_die(plan_id, BOB)
    assert await stage.carry_out(plan_id) == PlanState.CONFIRMED


async def test_more_approvals_asked_for_since_are_asked_for(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    edit(stage, need_two_of_three)
    await stage.say(f"approve {plan_id}", BOB)
    assert await stage.state_of(plan_id) == PlanState.PLANNED


@pytest.mark.parametrize("change", [want_codes])
async def test_an_approval_takes_a_code_where_the_file_asks_for_one(stage: Stage) -> None:
    folder = str(stage.config.parent / "totp")
    secret = pyotp.parse_uri(enroll(folder, "U02BOB", "small", again=False))
    assert isinstance(secret, pyotp.TOTP)
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    button = (await stage.card(plan_id)).buttons[0]
    with pytest.raises(RefusedError, match="takes a code of your authenticator"):
        await stage.say(f"approve {plan_id}", BOB)
    with pytest.raises(RefusedError, match="is not enrolled"):
        await stage.say(f"approve {plan_id} --code 123456")
    assert stage.all_answer("fjord.example", "oslo")
    pressed = f"{button.line} --code {secret.at(datetime.now(UTC))}"
    assert (await stage.say(pressed, BOB)).exit_code == 0
    assert stage.all_answer("fjord.example", "lima")


@pytest.mark.parametrize("change", [want_codes])
async def test_who_is_enrolled_at_the_terminal_approves_there_with_a_code(stage: Stage) -> None:
    made = await asyncio.to_thread(typed, stage, "enroll", "terminal")
    assert made.returncode == APPROVED, made.stderr
    address = "".join(made.stdout.split())
    secret = pyotp.parse_uri(address[address.index("otpauth://") :])
    assert isinstance(secret, pyotp.TOTP)
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    without = await asyncio.to_thread(typed, stage, "approve", plan_id)
    assert without.returncode == RefusedError.exit_code
    code = secret.at(datetime.now(UTC))
    done = await asyncio.to_thread(typed, stage, "approve", plan_id, "--code", code)
    assert done.returncode == APPROVED, done.stdout + done.stderr
    record = str(await stage.ports.store.record.entries())
    assert secret.secret not in record
    assert code not in record


async def test_in_a_chat_a_typed_approval_needs_a_yes_to_the_warnings_that_the_dialog_would_have_asked(
    stage: Stage,
) -> None:
    oslo = stage.address("oslo")[0]
    stage.lab.nsupdate("fjord.example", [f"update add ftp.fjord.example 300 A {oslo}"])
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    with pytest.raises(RefusedError, match="It has 2 warnings") as refused:
        await stage.say(f"approve {plan_id}", BOB, follow=False)
    assert refused.value.hint.endswith(f"type: `approve {plan_id} --yes`.")
    assert await stage.state_of(plan_id) == PlanState.PLANNED
    await stage.say(f"approve {plan_id} --yes", BOB, follow=False)
    assert await stage.carry_out(plan_id) == PlanState.CONFIRMED
