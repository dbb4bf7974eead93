"""Brings alerts to people by other ways than Slack: at once, in order, and again until they are taken.

Each route goes its own way, so that one that hangs holds up no other, and none waits for Slack. How far each has come
is in the store: a bot that was killed goes on from there. Nobody can know whether a message that was under way then got
through; it is sent again, and says so. Where several bots share the store, one at a time is at a route.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import StoreError
from core.incident.notification import FAILING_FOR, is_news, is_worth_sending, message_of, retry_delay
from core.reply import Reply, Text, Tone
from core.wording import clock_time

if TYPE_CHECKING:
    from datetime import datetime

    from core.fleet import SecretRef
    from ops.notify.routes import NotificationRoutes
    from ops.ports import Ports
    from ops.store.notifications import Alert, RouteProgress

log = logging.getLogger(__name__)

LOOK_S = 1.0
STORE_AGAIN_S = 5.0
# A try ends within twenty seconds, so that none is under way once another bot may take over.
LEASE = timedelta(seconds=30)
RENEW_S = 8.0


class Relay:
    """Sends what there is to send, by every route of the fleet."""

    def __init__(self, ports: Ports, ways: NotificationRoutes, *, look_s: float = LOOK_S) -> None:
        self._ports = ports
        self._ways = ways
        self._look_s = look_s
        self._routes = {str(secret): secret for secret in ports.fleet.notify}

    async def run(self) -> None:
        """Send until cancelled. A route that is new in the fleet file is told what happens from now on."""
        while not await self._taken_up():
            await self._ports.clock.sleep(STORE_AGAIN_S)
        async with asyncio.TaskGroup() as group:
            for name, secret in self._routes.items():
                one = _OneRoute(self._ports, self._ways, name, secret, self._look_s)
                group.create_task(one.run(), name=f"notify-{name}")

    async def _taken_up(self) -> bool:
        try:
            await self._ports.store.notifications.take_up(self._routes)
        except StoreError as error:
            log.warning("notify=begin failed: %s", error.message)
            return False
        return True


class _OneRoute:
    """One way to people."""

    def __init__(self, ports: Ports, ways: NotificationRoutes, name: str, secret: SecretRef, look_s: float) -> None:
        self._ports = ports
        self._clock = ports.clock
        self._sent = ports.store.notifications
        self._ways = ways
        self._name = name
        self._card = f"notify:{name}"
        self._secret = secret
        self._look_s = look_s
        self._owner = f"notify:{secrets.token_hex(8)}"
        self._renew_at_s = float("-inf")
        self._again_at_s = float("-inf")

    async def run(self) -> None:
        try:
            while True:
                await self._clock.sleep(await self._turn())
        finally:
            with contextlib.suppress(StoreError):
                await self._ports.store.claims.release(self._owner)

    async def _turn(self) -> float:
        """Do the next thing there is to do, and return how many seconds may pass before the next."""
        try:
            if self._clock.monotonic() >= self._renew_at_s and not await self._claimed():
                return RENEW_S / 2
            alert = await self._next()
            if alert is None:
                return self._look_s
            wait_s = self._again_at_s - self._clock.monotonic()
            if wait_s > 0:
                return min(wait_s, RENEW_S)
            return await self._try(alert)
        except StoreError as error:
            log.warning("notify=%s failed: %s", self._name, error.message)
            return STORE_AGAIN_S

    async def _claimed(self) -> bool:
        others = await self._ports.store.claims.take(
            [self._card], self._owner, "sends alerts", self._clock.now(), LEASE
        )
        if not others:
            self._renew_at_s = self._clock.monotonic() + RENEW_S
        return not others

    async def _next(self) -> Alert | None:
        """Return the next alert that this route is to send; what is no news to it is passed over."""
        alerts = await self._sent.after(self._name)
        passed = 0
        for alert in alerts:
            # That it did not work is no news to whom it works for again.
            if alert.card != self._card and is_news(alert.tone_before, alert.reply.tone):
                if is_worth_sending(alert.at, self._clock.now()):
                    break
                await self._sent.give_up(self._name, alert, self._clock.now())
                log.error("notify=%s alert=%d given_up", self._name, alert.number)
            passed = alert.number
        else:
            alert = None
        if passed:
            await self._sent.pass_over(self._name, passed)
        return alert

    async def _try(self, alert: Alert) -> float:
        route = (await self._sent.routes())[self._name]
        if not await self._claimed():
            return RENEW_S / 2
        fleet = self._ports.fleet
        message = message_of(
            alert.reply, alert.at, alert.number, fleet=fleet.name, timezone=fleet.timezone, again=route.in_doubt
        )
        await self._sent.trying(self._name)
        attempt = await self._ways.send(self._secret, message)
        now = self._clock.now()
        if attempt.taken:
            await self._sent.got_through(self._name, alert, now)
            await self._works_again(now)
            log.info("notify=%s alert=%d card=%s sent", self._name, alert.number, alert.card)
            return 0.0
        in_doubt = attempt.in_doubt or route.in_doubt
        await self._sent.did_not(self._name, alert, attempt.why, now, in_doubt=in_doubt)
        log.warning("notify=%s alert=%d card=%s failed why=%r", self._name, alert.number, alert.card, attempt.why)
        await self._fails(route, attempt.why, now)
        wait_s = retry_delay(route.tries + 1).total_seconds()
        self._again_at_s = self._clock.monotonic() + wait_s
        return min(wait_s, RENEW_S)

    async def _fails(self, route: RouteProgress, why: str, now: datetime) -> None:
        """Say in the ops channel, and so by all other routes, that this one has not worked for a while."""
        since_at = route.failing_since_at
        if since_at is None or now - since_at < FAILING_FOR:
            return
        before = await self._ports.store.cards.get(self._card)
        if before is not None and before.reply.tone is Tone.WARN:
            return
        since = clock_time(since_at, self._ports.fleet.timezone, now)
        hint = "It is tried again until it works. Is the address right that it holds, and its receiver up?"
        reply = Reply(f"Alerts do not get through by {self._name} since {since}: {why}", (Text(hint),), tone=Tone.WARN)
        await self._ports.store.cards.put(self._card, reply, now)

    async def _works_again(self, now: datetime) -> None:
        before = await self._ports.store.cards.get(self._card)
        if before is not None and before.reply.tone is Tone.WARN:
            reply = Reply(f"Alerts get through by {self._name} again", tone=Tone.GOOD)
            await self._ports.store.cards.put(self._card, reply, now)
