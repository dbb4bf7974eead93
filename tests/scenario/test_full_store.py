"""The disk that the bot's store is on is full when a server drops: people are told all the same."""

from __future__ import annotations

import contextlib
import resource
from typing import TYPE_CHECKING

from scenario.harness import OpsRoom, much_looked_at

from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.slack import LocalSlack


@contextlib.contextmanager
def no_room_left(process: int) -> Iterator[None]:
    """Let no file that the process writes grow, or be written beyond its first byte, as on a full disk."""
    soft, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (soft, hard))


def test_a_drop_that_cannot_be_stored_is_told_and_told_again_with_its_buttons_once_it_can(
    tmp_path: Path, slack: LocalSlack
) -> None:
    fleet_file = write_small_fleet(tmp_path, next(address_blocks()), much_looked_at)
    with Lab(fleet_file, tmp_path / ".lab") as lab:
        room = OpsRoom(lab, fleet_file, slack, tmp_path)
        with room.bot() as bot:
            with no_room_left(bot):
                lab.drop("oslo")
                told = room.told("Down as seen from here: oslo")
                assert "This bot can store nothing since" in str(told["text"])
            slack.wait_for_message(lambda message: "oslo is down since" in str(message["text"]), 60)
            over = slack.wait_for_message(
                lambda message: "This bot stores what it sees again" in str(message["text"]), 60
            )
            assert over["ts"] == told["ts"]
            assert len(room.in_channel()) == 2
