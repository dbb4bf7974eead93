"""Commands over SSH against real servers: what comes back, what is refused, and what is said when it goes wrong."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
import pytest

from core.errors import HostKeyError, LoginRefusedError, SettingsError, TimedOutError, UnreachableError
from core.fleet import SecretRef
from ops.ssh import command as ssh_command
from ops.ssh.connection import Connection
from ops.ssh.pool import SESSIONS, SshPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sync.harness import Rig

    from core.fleet import Fleet

pytestmark = pytest.mark.xdist_group("ssh")


def secret(ref: SecretRef) -> str:
    return Path(ref.where).read_text()


@asynccontextmanager
async def pool_of(fleet: Fleet, read: object = secret) -> AsyncIterator[SshPool]:
    pool = SshPool(fleet, read)  # type: ignore[arg-type]
    try:
        yield pool
    finally:
        await pool.close()


def login(fleet: Fleet, server: str = "oslo", **changed: object) -> Fleet:
    """Return the fleet with another login for one of its servers."""
    there = fleet.servers[server]
    return replace(fleet, servers={**fleet.servers, server: replace(there, ssh=replace(there.ssh, **changed))})


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> str:
    """Make a key pair and return the public half's kind and key."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", path], check=True, timeout=30)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def hash_names(known_hosts: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", known_hosts], check=True, timeout=30, capture_output=True)


def pinned(rig: Rig, port: int = 2222) -> str:
    """Return what the fleet pins, as if Oslo listened on another port."""
    return Path(rig.ports.fleet.servers["oslo"].ssh.known_hosts).read_text().replace("]:2222", f"]:{port}")


async def test_output_errors_and_status_come_back_as_they_are(rig: Rig) -> None:
    ran = await rig.ports.ssh.run("oslo", "cat; printf '\\377\\0' ; echo bad >&2; exit 3", timeout_s=10, stdin=b"in\n")
    assert (ran.exit_code, ran.out, ran.err) == (3, b"in\n\xff\0", b"bad\n")


async def test_large_input_and_output_do_not_block_each_other(rig: Rig) -> None:
    big = bytes(range(256)) * 16_384
    ran = await rig.ports.ssh.run("oslo", "cat; head -c 4000000 /dev/zero >&2", timeout_s=60, stdin=big)
    assert ran.out == big
    assert len(ran.err) == 4_000_000


async def test_a_command_that_does_not_read_its_input_ends_all_the_same(rig: Rig) -> None:
    ran = await rig.ports.ssh.run("oslo", "exec <&-; echo done", timeout_s=20, stdin=b"x" * 5_000_000)
    assert ran.out == b"done\n"


async def test_output_is_told_while_the_command_runs(rig: Rig) -> None:
    told = asyncio.Event()
    working = asyncio.create_task(
        rig.ports.ssh.run("oslo", "echo first; sleep 30", timeout_s=40, on_output=lambda _piece: told.set())
    )
    await asyncio.wait_for(told.wait(), 20)
    assert not working.done()
    working.cancel()


async def test_a_command_has_ended_only_when_its_output_has(rig: Rig) -> None:
    ran = await rig.ports.ssh.run("oslo", "(sleep 1; echo late) & exit 4", timeout_s=20)
    assert (ran.exit_code, ran.out) == (4, b"late\n")


async def test_a_command_has_ended_only_when_its_status_is_there(rig: Rig) -> None:
    ran = await rig.ports.ssh.run("oslo", "echo early; exec >&- 2>&-; sleep 1; exit 5", timeout_s=20)
    assert (ran.exit_code, ran.out) == (5, b"early\n")


async def test_what_is_quoted_arrives_as_it_is(rig: Rig) -> None:
    word = "a 'b' \"c\" $(touch pwned) `id` \\ \n;|&*?[x] ü %s"
    ran = await rig.ports.ssh.run("oslo", f"printf %s {shlex.quote(word)}", timeout_s=10)
    assert ran.out.decode() == word


async def test_a_command_that_takes_too_long_is_ended_on_the_server_too(rig: Rig) -> None:
    with pytest.raises(TimedOutError, match=r"oslo \(127\.[0-9.]+:2222\) took longer than 1 s"):
        await rig.ports.ssh.run("oslo", "echo $$ >/tmp/slow; exec sleep 300", timeout_s=1)
    ran = await rig.ports.ssh.run("oslo", "kill -0 $(cat /tmp/slow)", timeout_s=10)
    assert ran.exit_code != 0


async def test_a_command_that_ignores_its_end_is_killed(rig: Rig) -> None:
    with pytest.raises(TimedOutError):
        await rig.ports.ssh.run("oslo", "trap '' TERM; while :; do sleep 1; done", timeout_s=1)


async def test_a_command_that_exits_like_a_time_out_has_not_timed_out(rig: Rig) -> None:
    assert (await rig.ports.ssh.run("oslo", "exit 124", timeout_s=30)).exit_code == 124


async def test_a_command_that_is_killed_there_is_no_answer(rig: Rig) -> None:
    with pytest.raises(UnreachableError, match="without saying how"):
        await rig.ports.ssh.run("oslo", "kill -9 $PPID; sleep 5", timeout_s=20)
    assert (await rig.ports.ssh.run("oslo", "echo ok", timeout_s=10)).out == b"ok\n"


async def test_many_commands_at_once_share_one_connection_and_few_sessions(rig: Rig) -> None:
    command = "echo $SSH_CONNECTION; ls /proc/*/fd >/dev/null 2>&1; sleep 0.1"
    ran = await asyncio.gather(*(rig.ports.ssh.run("oslo", command, timeout_s=30) for _ in range(3 * SESSIONS)))
    assert len({one.out for one in ran}) == 1


async def test_commands_that_end_at_once_do_not_end_their_connection(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server ends the connection on which anything comes over a channel that both sides have closed."""
    opened: list[object] = []
    connect = Connection._connect
    monkeypatch.setattr(Connection, "_connect", lambda self, stage_s: opened.append(self) or connect(self, stage_s))
    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        async with pool_of(rig.ports.fleet) as pool:
            for _ in range(60):
                await asyncio.gather(*(pool.run("oslo", ":", timeout_s=30) for _ in range(SESSIONS)))
    finally:
        sys.setswitchinterval(often)
    assert len(opened) == 1


async def test_a_connection_that_breaks_while_a_channel_is_given_back_is_replaced(rig: Rig) -> None:
    """It cannot be staged for sure: a channel that was not closed yet, whose socket takes nothing any more."""

    class Breaking(paramiko.Channel):
        def close(self) -> None:
            raise EOFError

    connection = Connection(rig.ports.fleet.servers["oslo"], secret)
    channel = connection.open_channel(10)
    broken = channel.get_transport()
    channel.__class__ = Breaking
    connection.give_back(channel, suspect=False)
    assert not broken.is_active()
    again = connection.open_channel(10)
    assert again.get_transport() is not broken
    connection.give_back(again, suspect=False)
    connection.close()


async def test_however_many_long_commands_run_a_short_one_still_finds_a_place(rig: Rig) -> None:
    ssh = rig.ports.ssh
    long = [asyncio.create_task(ssh.run("oslo", "sleep 60", timeout_s=600)) for _ in range(3 * SESSIONS)]
    await asyncio.sleep(0.5)
    assert (await ssh.run("oslo", "echo ok", timeout_s=10)).out == b"ok\n"
    assert not any(task.done() for task in long)
    for task in long:
        task.cancel()


async def test_who_finds_no_place_in_time_is_told_so(rig: Rig) -> None:
    ssh = rig.ports.ssh
    running = [asyncio.create_task(ssh.run("oslo", "sleep 30", timeout_s=40)) for _ in range(SESSIONS)]
    await asyncio.sleep(0.5)
    with pytest.raises(TimedOutError, match="busy with other commands"):
        await ssh.run("oslo", "true", timeout_s=1)
    for task in running:
        task.cancel()


async def test_a_server_that_closed_the_connection_is_connected_to_anew(rig: Rig) -> None:
    one = await rig.ports.ssh.run("oslo", "echo $SSH_CONNECTION", timeout_s=10)
    with pytest.raises(UnreachableError):
        # The process that holds the whole connection, not only this session.
        await rig.ports.ssh.run("oslo", "kill -9 $(ps -o ppid= -p $PPID)", timeout_s=10)
    two = await rig.ports.ssh.run("oslo", "echo $SSH_CONNECTION", timeout_s=10)
    assert one.out != two.out


async def test_cancelling_gives_the_command_up(rig: Rig) -> None:
    working = asyncio.create_task(rig.ports.ssh.run("oslo", "sleep 300", timeout_s=300))
    await asyncio.sleep(0.3)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert (await rig.ports.ssh.run("oslo", "echo ok", timeout_s=10)).out == b"ok\n"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("ref", ["file", "env"])
async def test_every_kind_of_key_logs_in_from_a_file_and_from_the_environment(
    rig: Rig, tmp_path: Path, kind: str, ref: str
) -> None:
    key = tmp_path / kind
    public = make_key(key, kind)
    authorized = rig.lab.path_on("oslo", "/home/web/.ssh/authorized_keys")
    with authorized.open("a") as file:
        file.write(f"{public}\n")
    where = SecretRef("file", str(key)) if ref == "file" else SecretRef("env", "BOT_KEY")
    async with pool_of(login(rig.ports.fleet, key=where), lambda _ref: key.read_text().strip()) as pool:
        assert (await pool.run("oslo", "id -un", timeout_s=10)).out == b"web\n"


async def test_a_key_that_the_server_does_not_know_is_refused_with_what_to_do(rig: Rig, tmp_path: Path) -> None:
    make_key(tmp_path / "k")
    async with pool_of(login(rig.ports.fleet, key=SecretRef("file", str(tmp_path / "k")))) as pool:
        with pytest.raises(LoginRefusedError, match="does not take the key file:") as refused:
            await pool.run("oslo", "true", timeout_s=10)
    assert "authorized_keys" in refused.value.hint


NO_KEYS = ["", "no key", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"]


@pytest.mark.parametrize("text", NO_KEYS)
async def test_what_is_no_key_is_said_without_being_quoted(rig: Rig, text: str) -> None:
    async with pool_of(login(rig.ports.fleet, key=SecretRef("env", "BOT_KEY")), lambda _ref: text) as pool:
        with pytest.raises(SettingsError, match="env:BOT_KEY holds no SSH private key") as wrong:
            await pool.run("oslo", "true", timeout_s=10)
    assert "AAAA" not in wrong.value.message + wrong.value.hint


async def test_a_key_with_a_passphrase_is_refused(rig: Rig, tmp_path: Path) -> None:
    for kind in ("ed25519", "rsa"):
        key = tmp_path / kind
        make_key(key, kind, "secret")
        async with pool_of(login(rig.ports.fleet, key=SecretRef("file", str(key)))) as pool:
            with pytest.raises(SettingsError, match="passphrase"):
                await pool.run("oslo", "true", timeout_s=10)


async def test_a_host_key_that_is_not_pinned_is_refused_with_the_line_that_pins_it(rig: Rig, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text(
        "# nobody yet\n\n192.0.2.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFyzw9vJ8kOCtoWAhd3qeFvJ1qWPPxAUzhpFcBzCl0Jt\n"
    )
    async with pool_of(login(rig.ports.fleet, known_hosts=str(known))) as pool:
        with pytest.raises(HostKeyError, match="No host key of oslo") as refused:
            await pool.run("oslo", "true", timeout_s=10)
    address = rig.ports.fleet.servers["oslo"].address
    assert f"ssh-keyscan -p 2222 {address} >> {known}" in refused.value.hint


async def test_a_missing_known_hosts_is_said(rig: Rig, tmp_path: Path) -> None:
    async with pool_of(login(rig.ports.fleet, known_hosts=str(tmp_path / "none"))) as pool:
        with pytest.raises(HostKeyError, match="No such file"):
            await pool.run("oslo", "true", timeout_s=10)


async def test_another_host_key_than_the_pinned_one_is_refused_with_both(rig: Rig, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text(f"[{rig.ports.fleet.servers['oslo'].address}]:2222 {make_key(tmp_path / 'k')}\n")
    async with pool_of(login(rig.ports.fleet, known_hosts=str(known))) as pool:
        with pytest.raises(HostKeyError) as refused:
            await pool.run("oslo", "true", timeout_s=10)
    assert refused.value.message.count("SHA256:") == 2
    assert "ssh-keygen -R" in refused.value.hint


@pytest.mark.parametrize("mark", ["@revoked", "@cert-authority"])
async def test_a_marked_line_in_known_hosts_is_refused_with_its_number(rig: Rig, tmp_path: Path, mark: str) -> None:
    good = pinned(rig)
    known = tmp_path / "known"
    known.write_text(f"{good}{mark} * ssh-ed25519 AAAAC3Nza\n")
    async with pool_of(login(rig.ports.fleet, known_hosts=str(known))) as pool:
        with pytest.raises(HostKeyError, match=f"line {len(good.splitlines()) + 1} begins with {mark}"):
            await pool.run("oslo", "true", timeout_s=10)


async def test_hashed_names_and_a_second_pinned_key_are_understood(rig: Rig, tmp_path: Path) -> None:
    known = tmp_path / "known"
    address = rig.ports.fleet.servers["oslo"].address
    known.write_text(f"[{address}]:2222 {make_key(tmp_path / 'k')}\n{pinned(rig)}")
    hash_names(known)
    assert "127." not in known.read_text()
    async with pool_of(login(rig.ports.fleet, known_hosts=str(known))) as pool:
        assert (await pool.run("oslo", "echo ok", timeout_s=10)).out == b"ok\n"


async def test_a_port_where_nobody_listens_is_said_with_address_and_port(rig: Rig) -> None:
    known = rig.config.parent / "known-2299"
    known.write_text(pinned(rig, 2299))
    async with pool_of(login(rig.ports.fleet, port=2299, known_hosts=str(known))) as pool:
        with pytest.raises(UnreachableError, match=r"oslo \(127\.[0-9.]+:2299\) cannot be reached: Connection refused"):
            await pool.run("oslo", "true", timeout_s=5)


async def test_what_listens_but_is_no_ssh_server_is_said(rig: Rig) -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 200)
        writer.close()

    server = await asyncio.start_server(hang_up, rig.ports.fleet.servers["oslo"].address, 2277)
    known = rig.config.parent / "known-2277"
    known.write_text(pinned(rig, 2277))
    async with server, pool_of(login(rig.ports.fleet, port=2277, known_hosts=str(known))) as pool:
        with pytest.raises(UnreachableError, match="not as an SSH server"):
            await pool.run("oslo", "true", timeout_s=5)


async def test_a_frozen_server_is_said_to_have_timed_out_and_serves_again_when_it_is_back(own_rig: Rig) -> None:
    ssh = own_rig.ports.ssh
    await ssh.run("oslo", "true", timeout_s=10)
    own_rig.lab.freeze("oslo")
    failed = await asyncio.gather(*(ssh.run("oslo", "true", timeout_s=3) for _ in range(4)), return_exceptions=True)
    assert {type(error) for error in failed} == {TimedOutError}
    assert "did not answer within" in str(failed[0])
    assert (await ssh.run("lima", "echo ok", timeout_s=10)).out == b"ok\n"
    own_rig.lab.back("oslo")
    assert (await ssh.run("oslo", "echo ok", timeout_s=10)).out == b"ok\n"


async def test_a_server_that_dies_under_a_command_is_noticed_and_reached_again_when_it_is_back(own_rig: Rig) -> None:
    ssh = own_rig.ports.ssh
    working = asyncio.create_task(ssh.run("oslo", "sleep 300", timeout_s=300))
    await asyncio.sleep(1)
    own_rig.lab.drop("oslo")
    with pytest.raises(UnreachableError):
        await working
    with pytest.raises(UnreachableError, match="cannot be reached"):
        await ssh.run("oslo", "true", timeout_s=5)
    own_rig.lab.back("oslo")
    assert (await ssh.run("oslo", "echo ok", timeout_s=10)).out == b"ok\n"


async def test_a_server_that_falls_silent_under_a_long_command_is_noticed_long_before_its_end(
    own_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_command, "SILENCE_S", 1.0)
    monkeypatch.setattr(ssh_command, "ANSWER_S", 2.0)
    ssh = own_rig.ports.ssh
    working = asyncio.create_task(ssh.run("oslo", "sleep 3000", timeout_s=3000))
    await asyncio.sleep(3)
    assert not working.done()
    own_rig.lab.cut_off("oslo")
    with pytest.raises(UnreachableError, match="silent"):
        await asyncio.wait_for(working, 200)


async def test_a_server_is_reached_by_ipv6(six_rig: Rig) -> None:
    assert six_rig.ports.fleet.servers["oslo"].address == "fd00:10::1"
    ran = await six_rig.ports.ssh.run("oslo", "echo $SSH_CONNECTION", timeout_s=10)
    assert b"fd00:10::1" in ran.out
    site = six_rig.take("oslo")
    result = await six_rig.sync(site)
    assert result.outcome == "good", result.trouble and result.trouble.message
    assert six_rig.same(site)
