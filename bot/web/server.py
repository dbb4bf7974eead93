"""Listens where app.yaml says, and answers: /metrics, /healthz, /readyz, /alertmanager.

It listens on this machine alone unless told otherwise, since it asks nobody who they are: names of servers and sites
are on /metrics.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bot.web.alertmanager import receiver
from bot.web.listening import bounded_application, listening
from bot.web.metrics import MetricsPage
from bot.web.ready import OK, readiness
from core.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bot.web.vitals import Vitals
    from core.fleet import SecretRef, Web
    from ops.ports import Ports

log = logging.getLogger(__name__)

NOT_NOW = 503


@contextlib.asynccontextmanager
async def web_served(
    ports: Ports, settings: Web | None, vitals: Vitals, secret: Callable[[SecretRef], str]
) -> AsyncIterator[None]:
    """Answer until the block ends; settings None: do not listen at all.

    Raises SettingsError where the address and port cannot be had.
    """
    if settings is None:
        yield
        return
    app, place = application(ports, settings, vitals, secret), f"web: {settings.address} port {settings.port}"
    hint = "Is another bot running? Is it the PORT that Slack uses? Name a free port in app.yaml."
    async with listening(app, settings.address, settings.port, place, hint):
        log.info("web=up address=%s port=%d", settings.address, settings.port)
        yield


def application(ports: Ports, settings: Web, vitals: Vitals, secret: Callable[[SecretRef], str]) -> web.Application:
    """Return what answers."""
    metrics = MetricsPage(ports, vitals)

    async def measured(_request: web.Request) -> web.Response:
        try:
            page = await metrics.page()
        except StoreError as error:
            log.warning("web=metrics failed: %s", error.message)
            return web.Response(status=NOT_NOW, text="the store cannot be read\n")
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def lives(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def ready(_request: web.Request) -> web.Response:
        parts = await readiness(ports, vitals)
        well = set(parts.values()) == {OK}
        return web.json_response({"ready": well, **parts}, status=200 if well else NOT_NOW)

    application = bounded_application()
    application.add_routes(
        [web.get("/metrics", measured), web.get("/healthz", lives), web.get("/readyz", ready)],
    )
    if settings.alertmanager is not None:
        application.router.add_post("/alertmanager", receiver(ports, settings.alertmanager, secret))
    return application
