"""Takes what an Alertmanager posts: its alerts about machines of the fleet are one more place that looks at them."""

from __future__ import annotations

import hmac
import json
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from core.errors import OwnLackError, SettingsError, StoreError
from core.monitor.external_alerts import BELIEVED_FOR, alerts_in
from ops.store.monitor.external_alerts import Report

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from core.fleet import SecretRef
    from ops.ports import Ports

log = logging.getLogger(__name__)


def receiver(
    ports: Ports, token: SecretRef, secret: Callable[[SecretRef], str]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return what takes alerts from whoever has the token, which is read anew each time."""

    async def take(request: web.Request) -> web.Response:
        try:
            expected = f"Bearer {secret(token)}".encode()
        except (OwnLackError, SettingsError) as error:
            log.warning("web=alertmanager failed: %s", error.message)
            return web.Response(status=503, text="the token cannot be read here\n")
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, expected):
            log.warning("web=alertmanager refused why=token from=%s", request.remote)
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"}, text="wrong token\n")
        now = ports.clock.now()
        try:
            alerts = alerts_in(json.loads(await request.read()), ports.fleet, now)
        except (ValueError, RecursionError):
            return web.Response(status=400, text="not what an Alertmanager sends\n")
        try:
            await ports.store.external_alerts.take_in(
                (Report(one.source, one.target, one.begun_at, now) for one in alerts if one.firing),
                ((one.source, one.target) for one in alerts if not one.firing),
                forget_before=now - BELIEVED_FOR,
            )
        except StoreError as error:
            # It is sent again then.
            log.warning("web=alertmanager failed: %s", error.message)
            return web.Response(status=503, text="the store cannot be written\n")
        for one in alerts:
            log.info("web=alertmanager target=%s firing=%s", one.target, one.firing)
        return web.json_response({"counted": len(alerts)})

    return take
