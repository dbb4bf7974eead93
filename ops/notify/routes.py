"""Reaching people besides through Slack: messages by Apprise, and the ping of a dead-man's switch.

Addresses hold secrets: they are read anew each time, handed over on standard input, and never said.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from core.errors import OwnLackError, SettingsError, TooMuchError
from core.incident.notification import failure_reason
from core.status.findings import Finding
from ops.child_environment import child_environment
from ops.limits import Intake
from ops.own_lack import own_lack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.fleet import Fleet, SecretRef
    from core.incident.notification import Message

ONCE = Path(__file__).with_name("once.py")
SEND_S = 20.0
PING_S = 10.0
GOOD_BELOW = 400
PIECE_BYTES = 32_768
MOST_SAID_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class SendAttempt:
    """How a try ended: taken, or why not in a few words. in_doubt: it may have got through all the same."""

    taken: bool
    why: str = ""
    in_doubt: bool = False


class NotificationRoutes:
    """The ways that the fleet file names."""

    def __init__(self, secret: Callable[[SecretRef], str], *, send_s: float = SEND_S) -> None:
        self._secret = secret
        self._send_s = send_s

    async def send(self, route: SecretRef, message: Message) -> SendAttempt:
        """Send a message. It has ended, one way or the other, within some seconds."""
        return await self._ask(route, {"title": message.title, "body": message.body, "kind": message.kind.value})

    async def look(self, route: SecretRef) -> SendAttempt:
        """Look whether a message could be sent, without sending one: taken where the address is one that works."""
        return await self._ask(route, {})

    async def _ask(self, route: SecretRef, message: Mapping[str, str]) -> SendAttempt:
        try:
            url = self._secret(route)
        except (OwnLackError, SettingsError) as error:
            return SendAttempt(taken=False, why=error.message.removesuffix("."))
        try:
            # By its path and without the folder it lies in: it has neighbours that are called as other libraries are.
            # Alone (-I) and without the bot's secrets: dozens of others' plug-ins are loaded there.
            sending = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                ONCE,
                env=child_environment(os.environ),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            lack = own_lack(error, starting=True)
            return SendAttempt(taken=False, why=lack.message if lack else error.strerror or type(error).__name__)
        asked = json.dumps({"url": url, **message}).encode()
        try:
            out = await asyncio.wait_for(_talk(sending, asked), self._send_s)
        except TooMuchError as error:
            return SendAttempt(taken=False, why=error.message, in_doubt=True)
        except TimeoutError:
            return SendAttempt(taken=False, why=f"no answer within {self._send_s:g} s", in_doubt=True)
        finally:
            if sending.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    sending.kill()
                await sending.wait()
        return _attempt(out)

    async def ping(self, url: SecretRef) -> str:
        """Ask for the address of a dead-man's switch; return why that did not work, empty where it did."""
        try:
            address = self._secret(url)
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PING_S)) as session,
                session.get(address) as answer,
            ):
                return "" if answer.status < GOOD_BELOW else f"HTTP status {answer.status}"
        except (OwnLackError, SettingsError) as error:
            return error.message.removesuffix(".")
        except aiohttp.InvalidURL:
            return "what it holds is no address"
        except TimeoutError:
            return f"no answer within {PING_S:g} s"
        except aiohttp.ClientConnectorCertificateError:
            return "its certificate is not valid"
        except aiohttp.ClientConnectorError as error:
            return failure_reason(str(error.os_error))
        except aiohttp.ClientError as error:
            # Its text may hold the address.
            return f"no proper answer ({type(error).__name__})"


async def notify_findings(fleet: Fleet, ways: NotificationRoutes) -> tuple[Finding, ...]:
    """Look whether alerts could go by each route of the fleet; nothing is sent."""
    looked = await asyncio.gather(*(ways.look(route) for route in fleet.notify))
    hint = "https://github.com/caronc/apprise/wiki says how an address is written."
    return tuple(
        Finding(f"alerts by {route}", ok=one.taken, why=one.why, hint="" if one.taken else hint)
        for route, one in zip(fleet.notify, looked, strict=True)
    )


async def _talk(sending: asyncio.subprocess.Process, asked: bytes) -> bytes:
    """Hand over what is asked for, and return what is said. Raises TooMuchError."""
    if sending.stdin is None or sending.stdout is None:
        raise TypeError("both are pipes")
    with contextlib.suppress(ConnectionError):
        sending.stdin.write(asked)
        await sending.stdin.drain()
    sending.stdin.close()
    said = Intake("Apprise", "what it logged", MOST_SAID_BYTES)
    while piece := await sending.stdout.read(PIECE_BYTES):
        said.add(piece)
    await sending.wait()
    return said.whole()


def _attempt(out: bytes) -> SendAttempt:
    """Read what the process said; where it said nothing, it died, and nobody knows what it had done."""
    try:
        answer = json.loads(out)
    except ValueError:
        return SendAttempt(taken=False, why="sending broke off", in_doubt=True)
    if answer["taken"]:
        return SendAttempt(taken=True)
    why = failure_reason(answer["said"])
    return SendAttempt(taken=False, why=why, in_doubt=why == "no answer in time")
