from __future__ import annotations

from dataclasses import dataclass, field

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.slack.app import said_of
from bot.slack.escape import typed_by_slack
from bot.slack.trouble import SlackFailureKind, trouble_of
from core.errors import NotAllowedError, SettingsError, UnreachableError
from core.reply import Text, Tone


@dataclass
class Response:
    said: dict[str, object] = field(default_factory=dict)
    status_code: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, key: str) -> object:
        return self.said.get(key)


def refused(code: str, **more: object) -> SlackApiError:
    return SlackApiError("refused", Response({"ok": False, "error": code}, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionRefusedError(),
        aiohttp.ServerDisconnectedError(),
        refused("internal_error"),
        refused("", status_code=503),
        SlackApiError("no JSON", Response(status_code=200)),
    ],
)
def test_where_nothing_came_back_the_message_may_be_there_all_the_same(error: Exception) -> None:
    trouble = trouble_of(error)
    assert trouble.kind is SlackFailureKind.AWAY
    assert not trouble.surely_not_sent


@pytest.mark.parametrize("name", ["Retry-After", "retry-after"])
def test_slack_says_how_long_to_wait(name: str) -> None:
    trouble = trouble_of(refused("ratelimited", status_code=429, headers={name: "17"}))
    assert (trouble.kind, trouble.wait_s, trouble.surely_not_sent) == (SlackFailureKind.TOO_OFTEN, 17.0, True)


def test_without_a_word_of_how_long_it_waits_half_a_minute() -> None:
    assert trouble_of(refused("ratelimited", status_code=429, headers={"Retry-After": "soon"})).wait_s == 30.0


@pytest.mark.parametrize(("said", "wait_s"), [("600", 600.0), ("601", 600.0), ("9" * 5000, 600.0)])
def test_nobody_can_have_the_bot_be_silent_for_longer_than_ten_minutes(said: str, wait_s: float) -> None:
    assert trouble_of(refused("ratelimited", status_code=429, headers={"Retry-After": said})).wait_s == wait_s


@pytest.mark.parametrize("code", ["not_in_channel", "channel_not_found", "invalid_auth", "missing_scope"])
def test_what_a_person_has_to_mend_is_tried_each_minute_and_says_how(code: str) -> None:
    trouble = trouble_of(refused(code))
    assert (trouble.kind, trouble.wait_s) == (SlackFailureKind.SETUP, 60.0)
    assert trouble.hint


def test_an_address_with_a_ticket_in_it_never_gets_into_what_is_said() -> None:
    error = aiohttp.InvalidURL("wss://host.test/?ticket=secret")
    assert "secret" not in trouble_of(error).why


def test_an_error_is_said_with_what_to_do_next() -> None:
    reply = said_of(UnreachableError("uk does not answer.", hint="Is it up?"))
    assert (reply.title, reply.parts, reply.tone) == ("uk does not answer.", (Text("Is it up?"),), Tone.BAD)


def test_a_refusal_is_no_alarm() -> None:
    assert said_of(NotAllowedError("Sorry.", hint="Ask Bob.")).tone is Tone.WARN


def test_of_many_problems_the_first_are_listed_and_the_rest_counted() -> None:
    reply = said_of(SettingsError("Wrong.", problems=tuple(f"problem {n}" for n in range(50))))
    assert reply.parts[19] == Text("problem 19", Tone.BAD)
    assert reply.parts[20] == Text("… and 30 more.")


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("cause &lt;b&gt; &amp;amp; c", "cause <b> &amp; c"),
        ("sync <http://garden.example|garden.example>", "sync garden.example"),
        ("sync <mailto:a@b.example|a@b.example>", "sync a@b.example"),
        ("failover uk", "failover uk"),
    ],
)
def test_a_line_is_read_as_it_was_typed(sent: str, typed: str) -> None:
    assert typed_by_slack(sent) == typed
