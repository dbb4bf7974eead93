"""The bot's store is taken away from under it: it says so past the store, goes on looking, and makes no second one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scenario.harness import OpsRoom, much_looked_at

from lab import Lab
from lab.slack import shown_in
from lab.small_fleet import address_blocks, write_small_fleet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.slack import LocalSlack


def delete(store: Path) -> None:
    for file in store.parent.glob(f"{store.name}*"):
        file.unlink()


def replace(store: Path) -> None:
    """Put a copy in its place as `mv` would: another file."""
    copy = store.with_name("copy")
    copy.write_bytes(store.read_bytes())
    copy.rename(store)


TAKEN: dict[str, Callable[[Path], None]] = {"was deleted": delete, "was replaced by another file": replace}


@pytest.mark.parametrize("how", TAKEN)
def test_a_bot_whose_store_is_taken_away_says_so_and_still_says_what_drops(
    tmp_path: Path, slack: LocalSlack, how: str
) -> None:
    fleet_file = write_small_fleet(tmp_path, next(address_blocks()), much_looked_at)
    with Lab(fleet_file, tmp_path / ".lab") as lab:
        room = OpsRoom(lab, fleet_file, slack, tmp_path)
        with room.bot():
            TAKEN[how](room.store)
            after = room.store.read_bytes() if room.store.exists() else None
            told = shown_in(room.told("This bot can store nothing since"))
            assert f"sharpnet.db {how} while this process had the store open." in told
            assert "put the store in its place" in told
            lab.drop("oslo")
            slack.wait_for_message(lambda message: "Down as seen from here: oslo" in shown_in(message), 60)
            assert (room.store.read_bytes() if room.store.exists() else None) == after
