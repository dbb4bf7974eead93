"""`check --live` against real servers: what works, and everything that does not, at once."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from commands.check import check_live
from core.reply import Heading, Text, Tone
from core.status.findings import Finding
from ops.dns import open_dns
from ops.fleetfile import examine, secret_reader
from ops.ssh.pool import SshPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from core.reply import Reply
    from lab.lab import Lab
    from lab.small_fleet import SmallFleet, StartLab
    from ops.ports import Ports


@contextlib.asynccontextmanager
async def ports_of(fleet_file: Path, environ: Mapping[str, str]) -> AsyncIterator[Ports]:
    fleet, problems = examine(fleet_file, environ)
    assert fleet, problems
    secret = secret_reader(fleet, environ)
    ssh = SshPool(fleet, secret)
    try:
        yield cast("Ports", SimpleNamespace(fleet=fleet, ssh=ssh, dns=open_dns(fleet, secret), restic=None))
    finally:
        await ssh.close()


def said(reply: Reply) -> dict[str, tuple[bool, str, str]]:
    """Return what was found, by what was tried."""
    assert reply.facts
    found = cast("list[dict[str, Any]]", reply.facts["findings"])
    return {one["what"]: (one["ok"], one["why"], one["hint"]) for one in found}


async def test_a_fleet_that_works_is_said_to_work(lab: Lab, tmp_path: Path) -> None:
    async with ports_of(tmp_path / "app.yaml", lab.env) as ports:
        reply = await check_live(ports)
    found = said(reply)
    assert [what for what, (ok, _, _) in found.items() if not ok] == []
    assert reply.exit_code == 0
    update, primary = ports.fleet.dns.update[0], lab.host("primary").addresses[0]
    assert list(found) == [
        f"login to oslo (web@{ports.fleet.servers['oslo'].ipv4}, port 2222)",
        f"login to lima (deploy@{ports.fleet.servers['lima'].ipv4}, port 2022)",
        "rights of web on oslo",
        "rights of deploy on lima",
        "oslo reading from lima",
        "lima reading from oslo",
        f"update at {update} of 4 zones",
        "reading of 4 zones",
        *(f"name server {server.name} ({server.endpoint}) for 4 zones" for server in ports.fleet.dns.nameservers),
    ]
    assert update.address == primary


async def test_everything_that_fails_is_said_at_once_with_what_to_do(lab: Lab, tmp_path: Path) -> None:
    lab.path_on("lima", "/srv/lima/keys/peer").unlink()
    lab.drop("ns2")
    lab.drop("primary")
    async with ports_of(tmp_path / "app.yaml", lab.env) as ports:
        reply = await check_live(ports)
    failed = {what: (why, hint) for what, (ok, why, hint) in said(reply).items() if not ok}
    assert reply.exit_code == 1
    assert all(why and hint for why, hint in failed.values())
    update, silent = ports.fleet.dns.update[0], ports.fleet.dns.nameservers[1]
    assert [what for what in failed if what.startswith("lima")] == ["lima reading from oslo"]
    assert any(what.startswith(f"update at {update} of ") for what in failed)
    assert any(what.startswith("reading of ") for what in failed)
    assert any(what.startswith(f"name server ns2 ({silent.endpoint}) for ") for what in failed)
    assert len(failed) == 4


async def test_a_key_of_which_the_update_server_knows_nothing_is_said_for_updates_and_transfers(
    lab: Lab, tmp_path: Path
) -> None:
    environ = {**lab.env, "SHARPNET_TSIG": "bm90IHRoZSByaWdodCBzZWNyZXQ="}
    async with ports_of(tmp_path / "app.yaml", environ) as ports:
        found = said(await check_live(ports))
    failed = {what: why for what, (ok, why, _) in found.items() if not ok}
    zones = "fjord.example, ski.example, ceviche.example, attic.example"
    assert list(failed) == [f"update at {ports.fleet.dns.update[0]} of {zones}", f"reading of {zones}"]
    assert all("with another secret" in why for why in failed.values())


async def test_a_secret_that_is_not_set_does_not_keep_the_rest_from_being_tried(lab: Lab, tmp_path: Path) -> None:
    environ = {name: value for name, value in lab.env.items() if name != "SHARPNET_TSIG"}
    async with ports_of(tmp_path / "app.yaml", environ) as ports:
        found = said(await check_live(ports))
    failed = {what: why for what, (ok, why, _) in found.items() if not ok}
    assert set(failed.values()) == {"dns.tsig.secret: the environment variable SHARPNET_TSIG is not set."}
    assert sum(ok for ok, _, _ in found.values()) == 4 + 2 + 1 + 3


async def test_a_server_that_is_gone_and_one_with_another_host_key_are_told_apart(
    small_fleet: SmallFleet, start_lab: StartLab, tmp_path: Path
) -> None:
    lab = start_lab(small_fleet(tmp_path))
    lab.drop("oslo")
    known = tmp_path / "keys" / "known_hosts"
    known.write_text("\n".join(line for line in known.read_text().splitlines() if "2022" not in line) + "\n")
    async with ports_of(tmp_path / "app.yaml", lab.env) as ports:
        found = said(await check_live(ports))
    logins = {what: (why, hint) for what, (ok, why, hint) in found.items() if what.startswith("login") and not ok}
    assert len(logins) == 2
    assert any("host key" in why for why, _ in logins.values())
    assert not any("reading from" in what for what in found)


async def test_what_others_try_is_said_with_the_rest(lab: Lab, tmp_path: Path) -> None:
    def trying(finding: Finding) -> Callable[[], Any]:
        async def tried() -> tuple[Finding, ...]:
            return (finding,)

        return tried

    async with ports_of(tmp_path / "app.yaml", lab.env) as ports:
        reply = await check_live(
            ports, [trying(Finding("the channel", ok=False, why="not a member", hint="Invite it."))]
        )
    assert said(reply)["the channel"] == (False, "not a member", "Invite it.")
    assert reply.title.startswith("1 of ")


async def test_a_warning_is_no_failure_but_stands_before_what_works(lab: Lab, tmp_path: Path) -> None:
    async def tried() -> tuple[Finding, ...]:
        return (Finding("the gate", ok=True, why="it is open", hint="Shut it.", warning=True),)

    async with ports_of(tmp_path / "app.yaml", lab.env) as ports:
        reply = await check_live(ports, [tried])
    assert reply.exit_code == 0
    assert reply.tone is Tone.WARN
    # The lab lets the bot's key change whole zones, and Lima the others' keys in without a limit.
    assert reply.title.startswith("All ")
    assert reply.title.endswith(" warnings")
    assert reply.parts[0] == Heading("Works, with a warning")
    parts = list(reply.parts)
    assert parts.index(Text("the gate: it is open → Shut it.", Tone.WARN)) < parts.index(Heading("Works"))
