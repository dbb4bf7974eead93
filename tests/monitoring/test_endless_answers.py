"""Answers without end from whoever the bot asks over HTTP: they are given up, and said."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from bot.slack.settings import MOST_ANSWER_BYTES, new_session
from core.fleet import SecretRef
from core.incident.notification import AlertKind, Message
from ops.notify.routes import NotificationRoutes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@asynccontextmanager
async def answering(port: int) -> AsyncIterator[str]:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await answer.write(b"x" * 65_536)
        return answer

    async def long(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * int(request.match_info["length"]))

    async def packed(_request: web.Request) -> web.Response:
        body = gzip.compress(b"\0" * (4 * MOST_ANSWER_BYTES))
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    app = web.Application()
    app.add_routes([web.route("*", "/endless", endless), web.get("/long/{length}", long), web.get("/packed", packed)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def test_slack_is_read_up_to_a_limit_and_no_further(free_port: Callable[[], int]) -> None:
    async with answering(free_port()) as there, new_session() as session:
        async with session.get(f"{there}/long/{MOST_ANSWER_BYTES}") as answer:
            assert len(await answer.text()) == MOST_ANSWER_BYTES
        for path in (f"long/{MOST_ANSWER_BYTES + 1}", "endless", "packed"):
            async with session.get(f"{there}/{path}") as answer:
                with pytest.raises(aiohttp.ClientPayloadError, match="Slack: an answer is longer than 16 MB"):
                    await answer.json()


async def test_a_dead_mans_switch_that_never_stops_talking_has_been_told(free_port: Callable[[], int]) -> None:
    async with answering(free_port()) as there, asyncio.timeout(8):
        assert await NotificationRoutes(lambda _url: f"{there}/endless").ping(SecretRef("env", "X")) == ""


async def test_a_receiver_of_alerts_that_never_stops_talking_costs_a_process_of_its_own(
    free_port: Callable[[], int],
) -> None:
    port = free_port()
    async with answering(port):
        routes = NotificationRoutes(lambda _route: f"json://127.0.0.1:{port}/endless")
        attempt = await routes.send(SecretRef("env", "X"), Message("a", "b", AlertKind.FAILURE))
    assert not attempt.taken
