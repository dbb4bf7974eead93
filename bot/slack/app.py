"""What people type and press in Slack: acknowledged first, then carried out exactly as in the terminal.

A press types its line for the person who presses, so that commands and buttons share one path and one authorisation.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

import commands
from bot.slack.crowd import Crowd
from bot.slack.delivery import ChatRequest
from bot.slack.escape import cut, one_line
from bot.slack.question import CALLBACK, CODE, asked_by, question_of
from bot.slack.render import ACTION, ASKING
from core.errors import NotAllowedError, RefusedError, SettingsError, SharpnetError, StoreError, UsageError
from core.plan.second_factor import QUESTION, needs_code
from core.reply import Reply, Text, Tone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from slack_bolt.context.ack.async_ack import AsyncAck
    from slack_bolt.context.respond.async_respond import AsyncRespond
    from slack_bolt.response import BoltResponse
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.slack.delivery import Delivery
    from bot.slack.people import People
    from bot.slack.settings import SlackSettings
    from bot.slack.thread import Threads
    from bot.slack.workspace import OwnWorkspace
    from core.incident.notes import ThreadMessage
    from core.people import Person
    from ops.ports import Ports

LOG = logging.getLogger(__name__)
COMMAND = "/sharpnet"
# An event that comes twice (to two bots, or sent again) does so within minutes.
SAME_EVENT = timedelta(minutes=10)
WORKING_AFTER_S = 3.0
MOST_PROBLEMS = 20
MOST_ECHOED = 80
NO_LINE = "status"


class Answerer(Protocol):
    """Carries out one typed line: `commands.answer`, or a test's stand-in."""

    def __call__(
        self, words: Sequence[str], person: Person, place: str, ports: Ports, *,
        show: Callable[[Reply], None], thread_message: ThreadMessage | None = None,
    ) -> Awaitable[Reply]:  # fmt: skip
        """Return the reply, or raise an error of `core.errors`; `show` and `thread_message` are those of `Request`."""
        ...


def build_app(
    settings: SlackSettings,
    client: AsyncWebClient,
    handler: RequestHandler,
    threads: Threads,
    opened_by: Callable[[str], None],
    own: OwnWorkspace,
) -> AsyncApp:
    """Return the Bolt app: what is typed and pressed goes to `handler`, messages to `threads`.

    opened_by: called with the id of whoever opens the Home tab. own: says what is not for this bot.

    Raises SettingsError where events would come over HTTP and no secret is there to verify them with.
    """
    if settings.mode == "http" and not settings.signing_secret:
        raise SettingsError("HTTP mode needs SLACK_SIGNING_SECRET.", hint="Without it anyone could send commands.")
    app = AsyncApp(
        name="sharpnet",
        logger=_quiet(),
        client=client,
        authorize=_authorize,
        signing_secret=settings.signing_secret or "",
    )

    _refuse_others(app, own)

    @app.command(COMMAND)
    async def typed(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await handler.serve(ChatRequest.of_command(body))

    @app.action(re.compile(f"^{ACTION}[0-9]+$"))
    async def pressed(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await handler.press(body)

    @app.action(re.compile(f"^{ASKING}[0-9]+$"))
    async def asking(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await handler.ask(body)

    @app.view(CALLBACK)
    async def submitted(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await handler.serve(asked_by(body))

    @app.event("message")
    async def written(event: dict[str, Any]) -> None:
        handler.keep()
        await threads.hear(event)

    @app.event("app_home_opened")
    async def opened(event: dict[str, Any]) -> None:
        if event.get("tab") == "home":
            opened_by(str(event["user"]))

    return app


def _refuse_others(app: AsyncApp, own: OwnWorkspace) -> None:
    """Have what is not for this bot end before anything hears of it."""

    @app.middleware
    async def ours(
        ack: AsyncAck,
        respond: AsyncRespond,
        body: dict[str, Any],
        next: Callable[[], Awaitable[None]],  # noqa: A002
    ) -> BoltResponse | None:
        why = await own.why_not(body)
        if why is not None:
            return await own.refuse(ack, respond, body, why)
        await next()
        return None


class RequestHandler:
    """Takes what is asked, has it carried out, and sees that the person hears how it went."""

    def __init__(self, ports: Ports, people: People, delivery: Delivery, answer: Answerer) -> None:
        self._ports = ports
        self._people = people
        self._delivery = delivery
        self._answer = answer
        self._working: set[asyncio.Task[object]] = set()
        self._crowd = Crowd(ports.clock.monotonic)

    async def serve(self, asked: ChatRequest) -> bool | None:
        """Carry out one line and tell the person; return whether it went well.

        None: it was dropped, since another delivery of the same event is carried out already, or since they have asked
        for too much at once.
        """
        self.keep()
        asked.at = self._ports.clock.now()
        # Who they are comes before everything that costs anything.
        person = await self._people.person_of(asked.user)
        has_role = bool(person.roles)
        why = self._crowd.why_wait(asked.user, has_role=has_role)
        if why is not None:
            await self._have_wait(asked, why)
            return None
        with self._crowd.turn(asked.user, has_role=has_role):
            return await self._serve(asked, person)

    async def _have_wait(self, asked: ChatRequest, why: str) -> None:
        if self._crowd.is_told(asked.user):
            LOG.warning("slack user=%s waits why=%r", asked.user, why)
            title = f"Sorry: {why}. Nothing more is begun for you until some of it is over. Ask again a little later."
            await self._delivery.tell(asked, Reply(title, tone=Tone.WARN))

    async def _serve(self, asked: ChatRequest, person: Person) -> bool | None:
        try:
            if not await self._is_first(asked):
                LOG.info("slack event=again user=%s dropped=yes", asked.user)
                return None
        except StoreError as error:
            await self._delivery.tell(asked, said_of(error), footnote=error.code)
            return False
        progress = self._delivery.progress(asked.user)
        work = asyncio.create_task(self._carry_out(asked, person, progress.take))
        showing: asyncio.Task[None] | None = None
        try:
            done, _ = await asyncio.wait({work}, timeout=WORKING_AFTER_S)
            if not done:
                echo = cut(one_line(asked.line), MOST_ECHOED)
                await self._delivery.tell(asked, Reply(f"Working on {echo}: the answer follows.", tone=Tone.BUSY))
                showing = asyncio.create_task(progress.show())
            reply, footnote = await work
        finally:
            work.cancel()
            if showing is not None:
                showing.cancel()
                await asyncio.wait([showing])
        await progress.end(Reply(reply.title, tone=reply.tone))
        await self._delivery.answer(asked, reply, footnote=footnote)
        return not footnote

    async def refuse(self, asked: ChatRequest, error: SharpnetError) -> bool | None:
        """Tell the person why nothing is carried out, once; return False, and None where that was told already."""
        self.keep()
        asked.at = self._ports.clock.now()
        if not await self._is_first(asked):
            return None
        await self._delivery.tell(asked, said_of(error), footnote=error.code)
        return False

    async def press(self, body: Mapping[str, Any]) -> bool | None:
        """Carry out a button's line as `serve` does, or ask for the code that it takes, as app.yaml has it now."""
        asked = ChatRequest.of_press(body)
        if not needs_code(asked.line, await self._people.access_now()):
            return await self.serve(asked)
        await self._put(body, asked, f"{asked.line}{CODE}", QUESTION)
        return None

    async def ask(self, body: Mapping[str, Any]) -> None:
        """Put a button's question to whoever pressed it."""
        asked = ChatRequest.of_press(body)
        line, _, question = asked.line.partition("\n")
        asked.line = line
        await self._put(body, asked, line, question)

    async def _put(self, body: Mapping[str, Any], asked: ChatRequest, line: str, question: str) -> None:
        """Open a modal with a question; who may not type the line is told so at once."""
        self.keep()
        command = commands.all_commands().get(asked.line.partition(" ")[0])
        if command is None or not (await self._people.person_of(asked.user)).may(command.who):
            await self.serve(asked)
            return
        asked.at = self._ports.clock.now()
        if not await self._delivery.ask(str(body.get("trigger_id") or ""), question_of(body, line, question)):
            title = f'That did not open. Type `{line} "…"` instead.'
            await self._delivery.tell(asked, Reply(title, tone=Tone.WARN))

    async def _carry_out(self, asked: ChatRequest, person: Person, show: Callable[[Reply], None]) -> tuple[Reply, str]:
        """Return the reply, and for an error its code."""
        try:
            words = asked.words or commands.split_line(asked.line) or [NO_LINE]
            said_in = asked.thread_message
            return await self._answer(words, person, "slack", self._ports, show=show, thread_message=said_in), ""
        except SharpnetError as error:
            LOG.info("slack user=%s refused=%s", asked.user, error.code)
            return said_of(error), error.code
        except Exception:
            # The one outermost boundary: whoever waits must hear of a bug in a command too, and the log must have it.
            number = secrets.token_hex(4)
            LOG.exception("slack user=%s failed=inside id=%s", asked.user, number)
            title = f"That went wrong inside Sharpnet (id {number}). Nothing was started after it."
            return Reply(title, (Text("The bot's log has the reason under that id."),), tone=Tone.BAD), "internal"

    async def _is_first(self, asked: ChatRequest) -> bool:
        """Return whether no other delivery of the same event has been taken up, by this bot or another."""
        if not asked.event:
            return True
        delivery = f"slack-event:{secrets.token_hex(8)}"
        now = self._ports.clock.now()
        taken = await self._ports.store.claims.take([f"slack:{asked.event}"], delivery, "one event", now, SAME_EVENT)
        return not taken

    def keep(self) -> None:
        """Hold on to the task that runs this until it has ended."""
        # The loop itself holds tasks only weakly, and Bolt drops the one that runs a listener.
        task = asyncio.current_task()
        if task is not None:
            self._working.add(task)
            task.add_done_callback(self._working.discard)


def said_of(error: SharpnetError) -> Reply:
    """Return an error as a polite message: what happened, all its problems, what to do next."""
    parts: list[Text] = []
    if isinstance(error, SettingsError):
        parts += [Text(problem, Tone.BAD) for problem in error.problems[:MOST_PROBLEMS]]
        if len(error.problems) > MOST_PROBLEMS:
            parts.append(Text(f"… and {len(error.problems) - MOST_PROBLEMS:,} more."))
    if error.hint:
        parts.append(Text(error.hint))
    asked_wrongly = isinstance(error, UsageError | NotAllowedError | RefusedError)
    return Reply(error.message, tuple(parts), tone=Tone.WARN if asked_wrongly else Tone.BAD, exit_code=error.exit_code)


async def _authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    # Bolt's own way calls auth.test before the first acknowledgement: a slow Slack would cost the three seconds.
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)


def _quiet() -> logging.Logger:
    """Return a logger that lets Bolt's errors through, not its advice on how the app is set up."""
    logger = logging.getLogger("sharpnet.slack_bolt")
    logger.setLevel(logging.ERROR)
    return logger
