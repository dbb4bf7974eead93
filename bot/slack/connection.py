"""The bot in Slack as a whole: connected one way or the other, and kept so, until it is cancelled.

Slack being away stops nothing: the connection is tried for ever, cards wait, and everything works in the terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler

import commands
from bot.slack.app import Answerer, RequestHandler, build_app
from bot.slack.delivery import Delivery
from bot.slack.home import HomeTabKeeper
from bot.slack.missed import MissedReplies
from bot.slack.outbox import Outbox
from bot.slack.past_store import SlackPastStore
from bot.slack.people import People
from bot.slack.settings import SlackSettings, new_session, web_client
from bot.slack.shared_channel import warn_where_shared
from bot.slack.thread import Threads
from bot.slack.trouble import why_of
from bot.slack.workspace import OwnWorkspace
from bot.web.listening import bounded_application, listening
from core.errors import SettingsError
from jobs.notify.store_down import StoreWatch
from ops.first_error import first_error

if TYPE_CHECKING:
    import aiohttp
    from slack_bolt.async_app import AsyncApp
    from slack_sdk.socket_mode.aiohttp import SocketModeClient

    from core.fleet.target import Target
    from ops.ports import Ports

LOG = logging.getLogger(__name__)
PING_S = 4.0
LOOK_S = 2.0
CLOSE_S = 3.0
# The SDK can come to stand still (an address that is refused for ever, a reconnect that was interrupted): after this
# long without a connection it is thrown away for a fresh one.
FRESH_AFTER_S = 45.0
EVENTS_PATH = "/slack/events"
HEALTH_PATH = "/healthz"
# A forged request is refused by its signature; one that is huge costs memory before that.
MOST_REQUEST_BYTES = 256 * 1024

OnConnected = Callable[[bool], None]


async def run_slack(
    ports: Ports,
    settings: SlackSettings,
    *,
    answer: Answerer = commands.answer,
    on_outbox: Callable[[Outbox], None] = lambda _outbox: None,
    on_connected: OnConnected = lambda _is_up: None,
    down: Callable[[], frozenset[Target]] = frozenset,
) -> None:
    """Serve Slack until cancelled. `on_outbox` is given the outbox, whose `wake` has it look at once.

    on_connected: told whether Slack is connected, whenever that changes. down: says which targets are seen down now.
    Raises SettingsError where app.yaml has no slack section, or the port to listen on cannot be had.
    """
    if ports.fleet.slack is None:
        raise SettingsError(
            "Slack's tokens are set, but app.yaml has no slack section.",
            hint="Add slack with ops_channel, operators and approvers, or take the tokens out of the environment.",
        )
    with first_error():
        async with new_session() as session, asyncio.TaskGroup() as tasks:

            def found() -> None:
                missed.wake()

            once = web_client(settings, session, retry=False)
            outbox = Outbox(ports, once, ports.fleet.slack.ops_channel, on_found=found)
            on_outbox(outbox)
            client = web_client(settings, session)
            own = OwnWorkspace(client, settings, ports.fleet.slack)
            people = People(ports.fleet, client, ports.clock, ports.live_fleet, own.own)
            ports.groups.asked_by(people.members_now)
            homes = HomeTabKeeper(ports, client, people)
            handler = RequestHandler(ports, people, Delivery(ports, client, people, outbox.wake), answer)
            threads = Threads(ports, people, client, handler.serve, handler.refuse)
            missed = MissedReplies(ports, client, threads)
            app = build_app(settings, client, handler, threads, homes.opened_by, own)

            def connected(is_up: bool) -> None:
                on_connected(is_up)
                if is_up:
                    missed.wake()

            connect = (
                keep_connected(app, settings, session, connected)
                if settings.mode == "socket"
                else serve_http(app, settings, connected)
            )
            tasks.create_task(connect, name="slack-connection")
            tasks.create_task(outbox.run(), name="slack-outbox")
            tasks.create_task(homes.run(), name="slack-home")
            tasks.create_task(missed.run(), name="slack-missed")
            tasks.create_task(own.own(), name="slack-workspace")
            warning = warn_where_shared(ports, client, ports.fleet.slack.ops_channel)
            tasks.create_task(warning, name="slack-shared")
            unstored = StoreWatch(ports, down, SlackPastStore(client, ports.fleet.slack.ops_channel))
            tasks.create_task(unstored.run(), name="slack-unstored")


async def keep_connected(
    app: AsyncApp,
    settings: SlackSettings,
    session: aiohttp.ClientSession,
    on_connected: OnConnected = lambda _is_up: None,
) -> None:
    """Hold a Socket Mode connection until cancelled, and see to it that it comes back whatever happens to it."""
    plain = _Plain()
    logger = logging.Logger("sharpnet.slack_socket", logging.INFO)  # noqa: LOG001 - nobody else may get at it
    logger.addFilter(plain)
    while True:
        handler = AsyncSocketModeHandler(
            app,
            settings.app_token,
            logger=logger,
            web_client=web_client(settings, session, token=settings.app_token),
            ping_interval=PING_S,
        )
        connecting = asyncio.create_task(handler.client.connect())  # type: ignore[no-untyped-call]
        try:
            await _watch(handler.client, plain, on_connected)
        finally:
            connecting.cancel()
            await _close(handler.client)
        LOG.warning("slack connection=fresh why=none_for_%.0f_s", FRESH_AFTER_S)


async def _close(client: SocketModeClient) -> None:
    # A peer that has gone silent is not waited for.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(client.close(), timeout=CLOSE_S)  # type: ignore[no-untyped-call]
    await client.aiohttp_client_session.close()


async def _watch(client: SocketModeClient, plain: _Plain, on_connected: OnConnected) -> None:
    """Look after a client; return when it has had no connection for so long that a fresh one is needed."""
    loop = asyncio.get_running_loop()
    last_up_at_s = loop.time()
    was_up: bool | None = None
    while loop.time() - last_up_at_s < FRESH_AFTER_S:
        is_up = await client.is_connected()
        if is_up != was_up:
            LOG.info("slack connection=%s", "up" if is_up else "down" if was_up else "starting")
            was_up = is_up
            on_connected(is_up)
        if is_up:
            last_up_at_s = loop.time()
            plain.told = ""
        else:
            # The SDK would try this address for ever, even where it is refused; without one it asks for another.
            client.wss_uri = None
        await asyncio.sleep(LOOK_S)


async def serve_http(app: AsyncApp, settings: SlackSettings, on_connected: OnConnected = lambda _is_up: None) -> None:
    """Take Slack's signed requests on the port until cancelled; /healthz answers anyone."""

    async def events(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    server = bounded_application(MOST_REQUEST_BYTES)
    server.add_routes([web.post(EVENTS_PATH, events), web.get(HEALTH_PATH, health)])
    # On every address: a platform's router comes from outside, and every request has to carry a signature.
    place, hint = f"Port {settings.port}", "Is another bot running? Set PORT to a free port."
    async with listening(server, None, settings.port, place, hint):
        LOG.info("slack connection=up mode=http port=%s path=%s", settings.port, EVENTS_PATH)
        on_connected(True)  # noqa: FBT003 - a callback
        await asyncio.Event().wait()


class _Plain(logging.Filter):
    """Turns the SDK's traces into one line, once, without the address in them: it holds a ticket."""

    def __init__(self) -> None:
        super().__init__()
        self.told = ""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, Exception) and why_of(error) != self.told:
            self.told = why_of(error)
            LOG.warning("slack connection=failed why=%r", self.told)
        return False
