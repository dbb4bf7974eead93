from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import lab.slack
from lab import LabError
from lab.slack import LocalSlack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FLEET = """
slack:
  ops_channel: C07ALERTS
  operators: [U01ALICE, S01TEAM]
  approvers: [W02BOB]
"""


def test_it_has_the_channel_and_the_people_of_the_fleet_file_and_a_stranger(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    (tmp_path / "app.yaml").write_text(FLEET, encoding="utf-8")
    with LocalSlack.for_fleet(tmp_path / "app.yaml", tmp_path / "slack", port=free_port()) as slack:
        assert slack.messages("C07ALERTS") == []
        people = {user["id"]: user["name"] for user in slack.state()["users"] if not user["is_bot"]}
    assert people == {"U01ALICE": "alice", "W02BOB": "bob", "U03EVE": "eve"}


def test_a_fleet_file_without_slack_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text("fleet: none\n", encoding="utf-8")
    with pytest.raises(LabError, match=r"no slack\.ops_channel"):
        LocalSlack.for_fleet(tmp_path / "app.yaml", tmp_path / "slack")


def test_where_its_program_is_not_there_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab.slack, "PROGRAM", tmp_path / "nothing")
    with pytest.raises(LabError, match="everything works in the terminal"):
        LocalSlack(tmp_path / "slack").start()


def test_one_that_was_left_behind_is_ended_at_the_next_start(tmp_path: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    left = LocalSlack(tmp_path / "slack", port=port)
    left.start()
    left.command("U01ALICE", "status")
    with LocalSlack(tmp_path / "slack", port=port) as slack:
        assert slack.log() == []
    left.stop()


def test_a_port_that_is_taken_is_said(tmp_path: Path, slack: LocalSlack) -> None:
    with pytest.raises(LabError, match="is taken"):
        LocalSlack(tmp_path / "other", port=slack.port).start()


def test_a_button_that_a_message_does_not_have_is_said(slack: LocalSlack) -> None:
    with pytest.raises(LabError, match="no button 'Approve'"):
        slack.press({"channel": "C01OPS", "ts": "1.0", "blocks": []}, "Approve", "U01ALICE")


def test_a_message_that_does_not_come_is_said_with_those_that_are_there(slack: LocalSlack) -> None:
    with pytest.raises(LabError, match="no message at all"):
        slack.wait_for_message(lambda _message: True, timeout_s=0.1)


def test_what_it_keeps_while_it_runs_is_in_its_own_folder_and_gone_at_its_end(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    with LocalSlack(tmp_path / "slack", port=free_port()):
        kept = list((tmp_path / "slack" / "tmp").iterdir())
    assert kept, "its program makes a folder for uploads when it starts"
    assert not (tmp_path / "slack" / "tmp").exists()
