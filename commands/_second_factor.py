"""Asks whoever approves for the code of their second factor, where app.yaml wants one."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from core.errors import RefusedError, SettingsError
from core.plan.second_factor import DIGITS, MOST_WRONG, QUESTION, STEP_S, WRONG_COUNTS_FOR, begin_of, code_in, holder_of
from core.wording import count, duration
from ops.fleetfile.second_factor import step_of

if TYPE_CHECKING:
    from commands import Request
    from core.fleet import SlackAccess
    from ops.ports import Ports


async def ask_for_code(request: Request, ports: Ports, access: SlackAccess | None, what: str, line: str) -> None:
    """Return where app.yaml wants no code, or a right one was given that nobody has used. Raises RefusedError else.

    what: what does not happen then, as a sentence. line: what to type, the code left out.
    """
    if access is None or access.second_factor is None:
        return
    holder = holder_of(request.person.label, access)
    typed: str | None = request.options.code
    if typed is None and request.read is not None:
        typed = await asyncio.to_thread(request.read, f"{QUESTION} ({holder}):")
    if typed is None:
        raise RefusedError(f"{what} It takes a code of your authenticator.", hint=f"Type: `{line} --code CODE`.")
    code = code_in(typed)
    if code is None:
        raise RefusedError(f"{what} A code has {DIGITS} digits.", hint=f"Type: `{line} --code CODE`.")
    now, owner = ports.clock.now(), f"code:{secrets.token_hex(8)}"
    tries_left = await _begin_try(ports, holder, owner)
    if tries_left is None:
        raise RefusedError(
            f"{what} {count(MOST_WRONG, 'wrong code')} were given for {holder} within {duration(WRONG_COUNTS_FOR)}.",
            hint="Wait, or let somebody else approve. If it was not you, somebody has your account: end its sessions.",
        )
    try:
        step = step_of(access.second_factor, holder, code, now)
    except SettingsError as error:
        await ports.store.claims.release(owner)
        raise RefusedError(f"{what} {error.message}", hint=error.hint) from error
    if step is None:
        why = {"why": "a wrong code", "left": tries_left}
        await ports.store.record.add(now, "code.refused", holder, request.person.label, why)
        left = f"{count(tries_left, 'more wrong one')} within {duration(WRONG_COUNTS_FOR)}, and none is taken"
        raise RefusedError(f"{what} That is not the code of now.", hint=f"Is your clock right? {left}.")
    await ports.store.claims.release(owner)
    if not await ports.store.claims.fire(f"code:{holder}", begin_of(step)):
        raise RefusedError(f"{what} That code was used already.", hint=f"Wait for the next one, at most {STEP_S} s.")


async def _begin_try(ports: Ports, holder: str, owner: str) -> int | None:
    """Take one of the tries, which counts as a wrong one until it is released; return how many are left, None: none."""
    for number in range(MOST_WRONG):
        name = f"code-try:{holder}:{number}"
        taken = await ports.store.claims.take([name], owner, "a code", ports.clock.now(), WRONG_COUNTS_FOR)
        if not taken:
            return MOST_WRONG - 1 - number
    return None
