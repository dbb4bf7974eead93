"""Whether this bot does its work: what /readyz says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.errors import StoreError
from ops.gather.fleet_picture import is_watched

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.web.vitals import Vitals
    from ops.ports import Ports

OK = "ok"
WITHIN_S = 5.0


async def readiness(ports: Ports, vitals: Vitals) -> Mapping[str, str]:
    """Return by part (store, watch, and slack where it is used) "ok" or what is wrong."""
    slack = {} if vitals.slack_up is None else {"slack": OK if vitals.slack_up else "not connected"}
    try:
        async with asyncio.timeout(WITHIN_S):
            await ports.store.notifications.beat(ports.clock.now())
            watched = await is_watched(ports)
    except StoreError:
        return {"store": "cannot be written", "watch": "cannot be known", **slack}
    except TimeoutError:
        return {"store": f"does not answer within {WITHIN_S:g} s", "watch": "cannot be known", **slack}
    return {"store": OK, "watch": OK if watched else "nothing was looked at lately", **slack}
