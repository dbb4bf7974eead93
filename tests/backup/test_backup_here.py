"""What the bot runs on its own machine for a backup gets no secret of its, ends with it, and says how it ended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sync.harness import until

from core.errors import TimedOutError

if TYPE_CHECKING:
    from backup.harness import Vault

SOON_S = 30.0


async def test_it_gets_no_secret_of_the_bots_environment(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    ran = await vault.ports.ssh.from_here("env >&2", b"", timeout_s=SOON_S)
    assert b"PATH=" in ran.err
    assert b"secret" not in ran.err
    assert b"SHARPNET" not in ran.err


async def test_how_it_ended_and_all_that_it_said_comes_back(vault: Vault) -> None:
    line = "IFS= read -r first; head -c 3000000 /dev/zero | tr '\\0' x >&2; echo \"$first\" >&2; exit 7"
    ran = await vault.ports.ssh.from_here(line, b"the first line\n", timeout_s=SOON_S)
    assert (ran.exit_code, len(ran.err), ran.err[-15:]) == (7, 3_000_015, b"the first line\n")
    killed = await vault.ports.ssh.from_here("kill -9 $$", b"", timeout_s=SOON_S)
    assert killed.exit_code == 137


async def test_it_is_killed_with_all_that_it_started_when_nobody_waits_any_more(vault: Vault, tmp_path: Path) -> None:
    mark = tmp_path / "began"
    line = f"sleep 600 & echo $! >{mark}; sleep 600"
    asking = asyncio.create_task(vault.ports.ssh.from_here(line, b"", timeout_s=600.0))
    await until(lambda: mark.exists() and mark.read_text().endswith("\n"))
    started = Path("/proc") / mark.read_text().strip()
    assert started.exists()
    asking.cancel()
    await until(lambda: not started.exists() or "State:\tZ" in (started / "status").read_text())


async def test_it_ends_at_its_time(vault: Vault) -> None:
    with pytest.raises(TimedOutError, match="the bot's machine took longer than 1 s"):
        await vault.ports.ssh.from_here("sleep 600", b"", timeout_s=1.0)
