"""Whether people of other organisations read the ops channel (Slack Connect), and the one word about it there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from bot.slack.trouble import NOT_SAID, why_of
from core.errors import StoreError
from core.reply import Reply, Text, Tone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slack_sdk.web.async_client import AsyncWebClient

    from ops.ports import Ports

LOG = logging.getLogger(__name__)
CARD = "slack:shared"
AGAIN_S = 60.0
HINT = "Name a channel of your own under slack.ops_channel in app.yaml, or end the sharing in the channel's details."


def shared_outside(about: Mapping[str, Any]) -> str | None:
    """Say from what `conversations.info` says of a channel who else reads it, or None."""
    if about.get("is_ext_shared"):
        return "it is shared with another organisation, whose people read every alert and plan"
    if about.get("is_pending_ext_shared") or about.get("pending_shared") or about.get("pending_connected_team_ids"):
        return "another organisation is invited to it, whose people would read every alert and plan"
    if about.get("is_shared") and not about.get("is_org_shared"):
        return "it is shared with another workspace, whose people read every alert and plan"
    return None


async def warn_where_shared(ports: Ports, client: AsyncWebClient, channel: str) -> None:
    """Look as soon as Slack answers, and say it in the channel where others read it: once, however often we start."""
    while True:
        try:
            answer = await client.conversations_info(channel=channel)
            why = shared_outside(answer.get("channel") or {})
            if why is not None:
                LOG.warning("slack channel=%s shared=%r", channel, why)
                reply = Reply(f"Not only you read this channel: {why}", (Text(HINT),), tone=Tone.WARN)
                await ports.store.cards.put(CARD, reply, ports.clock.now())
        except StoreError as error:
            LOG.warning("slack channel=%s sharing=untold why=%r", channel, error.message)
        except NOT_SAID as error:
            LOG.info("slack channel=%s sharing=unknown why=%r", channel, why_of(error))
        else:
            return
        await ports.clock.sleep(AGAIN_S)
