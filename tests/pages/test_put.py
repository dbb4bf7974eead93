"""Files put on a real server over SFTP: each whole or not at all."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pages.harness import until

from core.errors import RefusedError, TimedOutError, UnreachableError
from ops.ssh.files import LEFT_AFTER_S
from ops.ssh.pool import SshPool

if TYPE_CHECKING:
    from pages.harness import Desk

    from core.fleet import SecretRef

pytestmark = pytest.mark.xdist_group("pages-put")
LARGE = b"n" * 60_000_000


async def test_what_is_put_is_there_for_everybody_and_nothing_else_is(desk: Desk) -> None:
    await desk.ports.ssh.put("oslo", {"/srv/oslo/status/index.html": b"one"}, timeout_s=10)
    await desk.ports.ssh.put(
        "oslo", {"/srv/oslo/status/a b'.txt": b"x" * 100_000, "/srv/oslo/status/index.html": b"two"}, timeout_s=10
    )
    root = desk.root("oslo")
    assert sorted(path.name for path in root.iterdir()) == ["a b'.txt", "index.html"]
    assert (root / "a b'.txt").read_bytes() == b"x" * 100_000
    assert desk.read("oslo") == "two"
    assert oct((root / "index.html").stat().st_mode) == "0o100644"


async def test_a_server_that_is_killed_in_mid_write_keeps_the_old_page_and_takes_the_next_one(desk: Desk) -> None:
    root = desk.root("lima")
    await desk.ports.ssh.put("lima", {"/srv/lima/status/index.html": b"old"}, timeout_s=10)
    putting = asyncio.ensure_future(desk.ports.ssh.put("lima", {"/srv/lima/status/index.html": LARGE}, timeout_s=60))
    await until(lambda: any(path.stat().st_size > 1_000_000 for path in root.glob(".*.part")))
    desk.lab.drop("lima")
    with pytest.raises(UnreachableError, match="What was there stays"):
        await putting
    assert (root / "index.html").read_bytes() == b"old"
    desk.lab.back("lima")
    left = list(root.glob(".*.part"))
    assert left
    for path in left:
        at = path.stat().st_mtime - LEFT_AFTER_S - 1
        os.utime(path, (at, at))
    # As another process: its parts have other names.
    fleet = desk.ports.fleet
    pool = SshPool(fleet, open_secret)
    await pool.put("lima", {"/srv/lima/status/index.html": b"new"}, timeout_s=10)
    await pool.close()
    assert [path.name for path in root.iterdir()] == ["index.html"]
    assert desk.read("lima") == "new"


async def test_a_server_that_freezes_in_mid_write_is_given_up_in_time(desk: Desk) -> None:
    await desk.ports.ssh.put("lima", {"/srv/lima/status/index.html": b"old"}, timeout_s=10)
    putting = asyncio.ensure_future(desk.ports.ssh.put("lima", {"/srv/lima/status/index.html": LARGE}, timeout_s=2))
    await until(lambda: any(desk.root("lima").glob(".*.part")))
    desk.lab.freeze("lima")
    with pytest.raises(TimedOutError, match="did not take 1 file within 2 s"):
        await putting
    assert (desk.root("lima") / "index.html").read_bytes() == b"old"


async def test_a_folder_that_is_not_there_is_refused_with_what_to_do(desk: Desk) -> None:
    with pytest.raises(RefusedError, match="No such file") as refused:
        await desk.ports.ssh.put("oslo", {"/srv/oslo/nowhere/index.html": b"x"}, timeout_s=10)
    assert "Does the folder /srv/oslo/nowhere exist" in refused.value.hint


async def test_a_rename_that_is_refused_leaves_nothing_behind(desk: Desk) -> None:
    (desk.root("oslo") / "index.html").mkdir()
    (desk.root("oslo") / "index.html" / "in the way").touch()
    with pytest.raises(RefusedError):
        await desk.ports.ssh.put("oslo", {"/srv/oslo/status/index.html": b"x"}, timeout_s=10)
    assert [path.name for path in desk.root("oslo").iterdir()] == ["index.html"]
    (desk.root("oslo") / "index.html" / "in the way").unlink()
    (desk.root("oslo") / "index.html").rmdir()


async def test_a_server_without_a_login_is_told_as_for_commands(desk: Desk) -> None:
    server = desk.ports.fleet.servers["oslo"]
    fleet = replace(desk.ports.fleet, servers={"oslo": replace(server, ssh=replace(server.ssh, port=server.web.http))})
    pool = SshPool(fleet, open_secret)
    with pytest.raises(UnreachableError):
        await pool.put("oslo", {"/srv/oslo/status/index.html": b"x"}, timeout_s=5)
    await pool.close()


def open_secret(ref: SecretRef) -> str:
    with open(ref.where) as file:  # noqa: PTH123 - a path as the fleet file has it
        return file.read()
