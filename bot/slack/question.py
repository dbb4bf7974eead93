"""A button that asks for a text first: a modal, whose answer becomes the last word of the button's line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from slack_sdk.models.blocks import InputBlock, PlainTextInputElement, PlainTextObject
from slack_sdk.models.views import View

import commands
from bot.slack.delivery import ChatRequest
from bot.slack.escape import cut, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

CALLBACK: Final = "question"
FIELD: Final = "answer"
# Slack's own limits, but for the text's, which is that of a cause and of a note.
MOST_TITLE: Final = 24
MOST_TEXT: Final = 500
# A line that ends with this asks for a code, which is one word; any other for a text that everybody will read.
CODE: Final = " --code"
MOST_CODE: Final = 12


def question_of(body: Mapping[str, Any], line: str, question: str) -> View:
    """Return the modal for a press: its title is the button's label, and it knows the line and the message."""
    asked, action = ChatRequest.of_press(body), body["actions"][0]
    label = one_line(str((action.get("text") or {}).get("text") or "")) or "Sharpnet"
    is_code = line.endswith(CODE)
    kept = {"line": line, "channel": asked.channel, "message": asked.message}
    return View(
        type="modal",
        callback_id=CALLBACK,
        title=PlainTextObject(text=cut(label, MOST_TITLE), emoji=False),
        submit=PlainTextObject(text=cut(label, MOST_TITLE) if is_code else "Publish", emoji=False),
        close=PlainTextObject(text="Not now", emoji=False),
        private_metadata=json.dumps(kept),
        blocks=[
            InputBlock(
                block_id=FIELD,
                label=PlainTextObject(text=question or label, emoji=False),
                element=PlainTextInputElement(
                    action_id=FIELD,
                    multiline=not is_code,
                    min_length=1,
                    max_length=MOST_CODE if is_code else MOST_TEXT,
                ),
            )
        ],
    )


def asked_by(body: Mapping[str, Any]) -> ChatRequest:
    """Return the line that a submitted modal types, for the person who submitted it."""
    view = body["view"]
    kept = json.loads(view["private_metadata"])
    text = str(view["state"]["values"][FIELD][FIELD].get("value") or "")
    return ChatRequest(
        user=str(body["user"]["id"]),
        line=commands.line_with(str(kept["line"]), text),
        event=str(body.get("trigger_id") or ""),
        channel=kept["channel"],
        message=kept["message"],
    )
