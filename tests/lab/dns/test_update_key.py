"""What docs/update-key.md gives to copy, with real BIND and Knot: the key changes sites' addresses and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from checks.harness import free_port

from core.dns.records import RecordChange, RecordSet
from core.errors import DnsError, DnsRefusedError, SharpnetError, TimedOutError
from core.fleet import DnsSettings, Endpoint, Fleet, SecretRef, Tsig
from lab import programs
from ops.dns import open_dns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ops.contracts import Dns

PAGE = (Path(__file__).parents[3] / "docs" / "update-key.md").read_text()
SECRET = "c2VjcmV0IG9mIHRoZSBib3Qncw=="
ZONE = "garden.example"
READY_S = 60
RECORDS = f"""$ORIGIN {ZONE}.
$TTL 300
@ SOA ns1 host 1 3600 600 86400 300
@ NS ns1
@ MX 10 mail
@ A 192.0.2.1
www A 192.0.2.1
mail A 192.0.2.25
ns1 A 192.0.2.53
"""
KEY = f'key bot-update {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'


def given(language: str) -> str:
    """Return what the page gives to copy."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[0]


def bind(folder: Path, port: int, zone: str) -> list[str]:
    (folder / "key").write_text(KEY)
    options = (
        f'options {{ directory "{folder}"; pid-file none; session-keyfile none; recursion no; dnssec-validation no;'
        f" listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; }};\ncontrols {{ }};\n"
    )
    placed = zone.replace("/etc/bind/bot-update.key", f"{folder}/key").replace("/var/lib/bind/", f"{folder}/")
    (folder / f"{ZONE}.db").write_text(RECORDS)
    (folder / "named.conf").write_text(options + placed)
    # A copy: Debian's AppArmor profile goes by the path of the program.
    shutil.copy(programs.find("named"), folder / "named")
    return [f"{folder}/named", "-g", "-4", "-n", "1", "-c", f"{folder}/named.conf"]


def knot(folder: Path, port: int, zone: str) -> list[str]:
    (folder / f"{ZONE}.zone").write_text(RECORDS)
    (folder / "db").mkdir()
    server = (
        f"server:\n  listen: 127.0.0.1@{port}\n  rundir: {folder}\ndatabase:\n  storage: {folder}/db\n"
        f"control:\n  listen: {folder}/control.sock\n"
    )
    (folder / "knot.conf").write_text(server + zone.replace("/var/lib/knot/", f"{folder}/"))
    return [programs.find("knotd"), "-c", f"{folder}/knot.conf"]


KINDS = {"bind": bind, "knot": knot}
# What was asked for until now: the whole zone.
OPEN = {
    "bind": lambda text: re.sub(
        r"update-policy \{.*?\n    \};", "allow-update { key bot-update; };", text, flags=re.DOTALL
    ),
    "knot": lambda text: re.sub(r"    update-.*\n", "", text),
}


@asynccontextmanager
async def primary(folder: Path, kind: str, zone: str) -> AsyncIterator[tuple[Dns, Endpoint]]:
    port = free_port()
    with (folder / "log").open("w") as log:
        # Lives for a test.
        daemon = subprocess.Popen(KINDS[kind](folder, port, zone), stdout=log, stderr=log)  # noqa: ASYNC220
    try:
        server = Endpoint("127.0.0.1", port)
        fleet = Fleet(
            "test",
            "UTC",
            {},
            {},
            DnsSettings((server,), (), (ZONE,), Tsig("bot-update", "hmac-sha256", SecretRef("env", "K"))),
        )
        opened = open_dns(fleet, lambda _: SECRET)
        async with asyncio.timeout(READY_S):
            while True:
                with contextlib.suppress(SharpnetError):
                    if await opened.serial(server, ZONE):
                        break
                await asyncio.sleep(0.05)
        yield opened, server
    finally:
        daemon.terminate()
        daemon.wait()


def changed(owner: str, kind: str, *values: str, old: tuple[str, ...] = ()) -> RecordChange:
    return RecordChange(RecordSet(owner, kind, 300, old) if old else None, RecordSet(owner, kind, 300, values))


@pytest.mark.parametrize("kind", KINDS)
async def test_the_key_moves_the_names_of_the_page(tmp_path: Path, kind: str) -> None:
    changes = (
        changed(ZONE, "A", "192.0.2.2", old=("192.0.2.1",)),
        changed(f"www.{ZONE}", "A", "192.0.2.2", old=("192.0.2.1",)),
        changed(f"www.{ZONE}", "AAAA", "2001:db8::2"),
    )
    async with primary(tmp_path, kind, given(kind)) as (dns, server):
        await dns.try_update(server, ZONE, [(one.owner, one.type) for one in changes])
        await dns.update(server, ZONE, changes, version=await dns.version(server, ZONE))
        reading = await dns.read_zone(server, ZONE, ())
        assert reading.complete
        assert {one.new for one in changes} <= set(reading.records)
        assert await dns.may_change_more(server, ZONE) == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "change",
    [
        changed(ZONE, "NS", "ns.thief.example", old=(f"ns1.{ZONE}",)),
        changed(ZONE, "MX", "10 mail.thief.example", old=(f"10 mail.{ZONE}",)),
        changed(f"_acme-challenge.{ZONE}", "TXT", '"proof"'),
        changed(f"ns1.{ZONE}", "A", "192.0.2.66", old=("192.0.2.53",)),
        changed(f"other.{ZONE}", "A", "192.0.2.66"),
        changed(f"www.{ZONE}", "TXT", '"x"'),
        RecordChange(RecordSet(ZONE, "MX", 300, (f"10 mail.{ZONE}",)), None),
    ],
    ids=["NS", "MX", "TXT", "address of a name server", "address of another name", "TXT of a site", "MX gone"],
)
async def test_the_key_changes_nothing_else(tmp_path: Path, kind: str, change: RecordChange) -> None:
    async with primary(tmp_path, kind, given(kind)) as (dns, server):
        before = await dns.read_zone(server, ZONE, ())
        with pytest.raises((DnsRefusedError, TimedOutError)):
            await dns.update(server, ZONE, (change,))
        assert await dns.read_zone(server, ZONE, ()) == before


@pytest.mark.parametrize("kind", KINDS)
async def test_a_name_that_the_page_does_not_list_is_found_by_a_trial(tmp_path: Path, kind: str) -> None:
    async with primary(tmp_path, kind, given(kind)) as (dns, server):
        with pytest.raises(DnsError):
            await dns.try_update(server, ZONE, [(ZONE, "A"), (f"shop.{ZONE}", "A")])


@pytest.mark.parametrize("kind", KINDS)
async def test_a_key_for_the_whole_zone_is_found_out_and_nothing_changes_by_asking(tmp_path: Path, kind: str) -> None:
    rewrite: Callable[[str], str] = OPEN[kind]
    async with primary(tmp_path, kind, rewrite(given(kind))) as (dns, server):
        before = await dns.read_zone(server, ZONE, ())
        more = await dns.may_change_more(server, ZONE)
        assert more == ("NS records", "MX records", "addresses of other names")
        assert await dns.read_zone(server, ZONE, ()) == before
