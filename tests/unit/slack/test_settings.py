from __future__ import annotations

import pytest

from bot.slack.settings import SlackSettings
from core.errors import SettingsError

BOT, APP, SECRET = "xoxb-1-secret", "xapp-1-secret", "signing-secret"


def problems_of(**environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        SlackSettings.from_env(environ)
    return raised.value.problems


def test_without_any_token_the_bot_runs_without_slack() -> None:
    assert SlackSettings.from_env({"PORT": "8080", "SLACK_API_URL": "http://127.0.0.1:3000/api/"}) is None


def test_an_app_level_token_means_socket_mode_whatever_port_the_platform_sets() -> None:
    settings = SlackSettings.from_env({"SLACK_BOT_TOKEN": BOT, "SLACK_APP_TOKEN": APP, "PORT": "none of ours"})
    assert settings is not None
    assert (settings.mode, settings.port, settings.api_url) == ("socket", None, "https://slack.com/api/")


def test_a_signing_secret_and_a_port_mean_http_mode() -> None:
    settings = SlackSettings.from_env({"SLACK_BOT_TOKEN": BOT, "SLACK_SIGNING_SECRET": SECRET, "PORT": "8080"})
    assert settings is not None
    assert (settings.mode, settings.port) == ("http", 8080)


def test_the_address_of_another_slack_may_lack_its_last_slash() -> None:
    environ = {"SLACK_BOT_TOKEN": BOT, "SLACK_APP_TOKEN": APP, "SLACK_API_URL": "http://127.0.0.1:3000/api"}
    settings = SlackSettings.from_env(environ)
    assert settings is not None
    assert settings.api_url == "http://127.0.0.1:3000/api/"


def test_tokens_never_show_when_the_settings_are_printed() -> None:
    settings = SlackSettings(BOT, APP, SECRET, 8080)
    assert "secret" not in repr(settings)
    assert "secret" not in str(settings)


def test_every_problem_is_named_at_once_and_no_token_is_repeated() -> None:
    found = problems_of(SLACK_BOT_TOKEN=APP, SLACK_APP_TOKEN=BOT, SLACK_API_URL="slack.com/api")
    assert len(found) == 3
    assert not [problem for problem in found if "secret" in problem]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SLACK_BOT_TOKEN": BOT}, "neither SLACK_APP_TOKEN"),
        ({"SLACK_APP_TOKEN": APP}, "SLACK_BOT_TOKEN is not set"),
        ({"SLACK_SIGNING_SECRET": SECRET, "PORT": "1"}, "SLACK_BOT_TOKEN is not set"),
        ({"SLACK_BOT_TOKEN": BOT, "SLACK_SIGNING_SECRET": SECRET}, "without PORT"),
        ({"SLACK_BOT_TOKEN": BOT, "SLACK_SIGNING_SECRET": SECRET, "PORT": "http"}, "'http'"),
        ({"SLACK_BOT_TOKEN": BOT, "SLACK_SIGNING_SECRET": SECRET, "PORT": "70000"}, "'70000'"),
        ({"SLACK_BOT_TOKEN": BOT, "SLACK_SIGNING_SECRET": SECRET, "PORT": "0"}, "'0'"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(environ: dict[str, str], said: str) -> None:
    assert [problem for problem in problems_of(**environ) if said in problem]
