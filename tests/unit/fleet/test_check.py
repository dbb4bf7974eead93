"""What `check` answers about a file, and what `check --live` asks of a big fleet."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from commands import check, find, parser_for
from commands.check import check_file, check_live
from core.dns.records import ZoneReading
from core.errors import DnsRefusedError, TimedOutError
from core.reply import Text, Tone
from ops.fleetfile import load_fleet, schema

if TYPE_CHECKING:
    from core.fleet import Endpoint
    from ops.ports import Ports

SQLITE = Text("The store: SQLite 3.53.4 of pysqlite3")
EXAMPLE = (Path(__file__).parent / "fleet_example.yaml").read_text()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the path of a fleet file in which nothing is wrong."""
    (tmp_path / "keys").mkdir()
    for name in ("bot", "known_hosts"):
        (tmp_path / "keys" / name).write_text("made up\n")
        (tmp_path / "keys" / name).chmod(0o600)
    (tmp_path / "app.yaml").write_text(EXAMPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(check, "VERSION", (3, 53, 4))
    monkeypatch.setattr(check, "DRIVER", "pysqlite3")
    monkeypatch.setenv("SHARPNET_TSIG", "made up")
    monkeypatch.setenv("SHARPNET_RESTIC_PASSWORD", "made up")
    monkeypatch.setenv("SHARPNET_PROBE", "made up")
    return tmp_path / "app.yaml"


def test_a_file_that_is_right_is_said_to_be_with_what_is_in_it(file: Path) -> None:
    reply = check_file(file)
    assert reply.title == "app.yaml is right: sharpnet, 2 servers, 2 sites, 6 name servers, 2 zones"
    assert (reply.tone, reply.exit_code, reply.parts) == (Tone.GOOD, 0, (SQLITE,))
    assert reply.facts == {
        "file": "app.yaml",
        "usable": True,
        "problems": [],
        "sqlite": {"version": "3.53.4", "driver": "pysqlite3", "why_not": None},
    }


def test_a_sqlite_that_must_not_keep_the_store_is_said_and_the_file_none_the_worse_for_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "VERSION", (3, 40, 1))
    reply = check_file(file)
    assert (reply.tone, reply.exit_code) == (Tone.WARN, 0)
    (said,) = reply.parts
    assert isinstance(said, Text)
    assert said.tone is Tone.WARN
    assert said.text.startswith("The store will not be opened: SQLite 3.40.1 may damage a file")
    assert "pysqlite3" in said.text
    assert reply.facts
    assert reply.facts["usable"] is True
    assert reply.facts["sqlite"]["version"] == "3.40.1"  # type: ignore[index]
    assert reply.facts["sqlite"]["why_not"].startswith("SQLite 3.40.1 may damage")  # type: ignore[index]


def test_a_file_with_a_warning_can_be_used_and_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHARPNET_TSIG")
    reply = check_file(file)
    assert reply.title.startswith("app.yaml can be used: sharpnet, ")
    assert reply.title.endswith(", 1 warning")
    assert (reply.tone, reply.exit_code) == (Tone.WARN, 0)


def test_a_file_that_cannot_be_used_ends_with_2_and_lists_what_is_serious_first(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHARPNET_TSIG")
    file.write_text(EXAMPLE.replace("max_delete: 25%", "max_delete: lots").replace("fleet: sharpnet\n", "fleet: 5\n"))
    reply = check_file(file)
    assert reply.title == "app.yaml cannot be used: 2 problems, 1 warning"
    assert (reply.tone, reply.exit_code) == (Tone.BAD, 2)
    said = [part for part in reply.parts if isinstance(part, Text)]
    assert [(part.text.split(": ")[0], part.tone) for part in said] == [
        ("app.yaml:5", Tone.BAD),
        ("app.yaml:74", Tone.BAD),
        ("app.yaml:55", Tone.WARN),
        ("The store", Tone.PLAIN),
    ]
    assert reply.facts
    assert reply.facts["problems"][1] == {  # type: ignore[index]
        "line": 55,
        "where": "dns.tsig.secret",
        "message": "the environment variable SHARPNET_TSIG is not set",
        "hint": "Set it where the bot is started.",
        "serious": False,
    }


def test_a_file_that_is_not_there_is_said_not_raised(tmp_path: Path) -> None:
    reply = check_file(tmp_path / "app.yaml")
    assert reply.exit_code == 2
    assert reply.parts[0] == Text(
        f"{tmp_path}/app.yaml:1: is not there. Copy the example app.yaml, or set SHARPNET_CONFIG to where yours is.",
        Tone.BAD,
    )


def test_thousands_of_problems_are_cut_with_a_count_and_complete_as_facts(file: Path) -> None:
    file.write_text(EXAMPLE.replace("notify: []", f"notify: [{', '.join(['x'] * 1000)}]"))
    reply = check_file(file)
    assert len(reply.parts) == 202
    assert reply.parts[-2] == Text("And 800 more: `check --json` has them all.")
    assert reply.facts
    assert len(reply.facts["problems"]) == 1000  # type: ignore[arg-type]


def test_the_schema_is_answered_whether_or_not_there_is_a_file(tmp_path: Path) -> None:
    reply = check_file(tmp_path / "missing.yaml", schema=True)
    assert (reply.facts, reply.exit_code) == (schema(), 0)


def test_check_is_typed_in_the_terminal_only_and_knows_its_options() -> None:
    command = find("check")
    assert command.places == {"terminal"}
    options = parser_for(command).parse_args(["--live", "--schema", "--json"])
    assert (options.live, options.schema, options.json) == (True, True, True)


class _Dns:
    """Two name servers that answer, and an update server that fails in the way it is told to."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.more: tuple[str, ...] | None = ()
        self.updates = 0

    async def try_update(self, _server: Endpoint, _zone: str, _records: object) -> None:
        self.updates += 1
        if self.error:
            raise self.error

    async def may_change_more(self, _server: Endpoint, _zone: str) -> tuple[str, ...] | None:
        return self.more

    async def serial(self, _server: Endpoint, _zone: str, *, timeout_s: float) -> int:
        return int(timeout_s > 0)

    async def read_zone(self, _server: Endpoint, zone: str, _names: tuple[str, ...]) -> ZoneReading:
        return ZoneReading(zone, 1, (), complete=False)


def ports_of(tmp_path: Path, zones: int, error: Exception | None = None) -> tuple[Ports, _Dns]:
    (tmp_path / "app.yaml").write_text(f"""
fleet: big
servers: {{a: {{ipv4: 192.0.2.1, ssh: {{user: ops, key: env:KEY, known_hosts: known_hosts}}}}}}
sites: {{}}
dns:
  update: [{{address: 192.0.2.53}}]
  nameservers: {{n: {{address: 192.0.2.53}}}}
  zones: [{", ".join(f"z{number}.test" for number in range(zones))}]
""")
    dns, fleet = _Dns(error), load_fleet(tmp_path / "app.yaml")

    async def run(_server: str, _command: str, *, timeout_s: float) -> SimpleNamespace:
        return SimpleNamespace(exit_code=7 if timeout_s else 0)

    return cast("Ports", SimpleNamespace(fleet=fleet, ssh=SimpleNamespace(run=run), dns=dns, restic=None)), dns


async def failed(ports: Ports) -> list[tuple[str, str]]:
    reply = await check_live(ports)
    assert reply.facts
    return [(one["what"], one["why"]) for one in reply.facts["findings"] if not one["ok"]]  # type: ignore[attr-defined]


LOGIN = ("login to a (ops@192.0.2.1, port 22)", "it takes the key, but `true` ends with 7")


async def test_a_login_whose_shell_fails_is_no_login(tmp_path: Path) -> None:
    ports, _ = ports_of(tmp_path, 1)
    assert await failed(ports) == [LOGIN]


async def test_a_thousand_zones_that_fail_alike_are_said_once(tmp_path: Path) -> None:
    ports, dns = ports_of(tmp_path, 1000, DnsRefusedError("it refuses"))
    what = "update at 192.0.2.53:53 of z0.test, z1.test, z2.test, z3.test, z4.test and 995 more"
    assert await failed(ports) == [LOGIN, (what, "it refuses")]
    assert dns.updates == 1000


async def test_an_update_server_that_does_not_answer_is_waited_for_once(tmp_path: Path) -> None:
    ports, dns = ports_of(tmp_path, 1000, TimedOutError("no answer"))
    assert [why for _, why in await failed(ports)] == [LOGIN[1], "no answer"]
    assert dns.updates == 1


async def test_what_tries_everything_also_says_which_sqlite_keeps_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "VERSION", (3, 46, 1))
    monkeypatch.setattr(check, "DRIVER", "sqlite3")
    ports, _ = ports_of(tmp_path, 2)
    reply = await check_live(ports)
    assert reply.facts
    sqlite = reply.facts["sqlite"]
    assert isinstance(sqlite, dict)
    assert (sqlite["version"], sqlite["driver"]) == ("3.46.1", "sqlite3")
    assert sqlite["why_not"].startswith("SQLite 3.46.1 may damage")


async def test_a_zone_that_may_not_be_transferred_is_no_failure_but_said(tmp_path: Path) -> None:
    ports, _ = ports_of(tmp_path, 2)
    reply = await check_live(ports)
    assert reply.facts
    assert {
        "what": "reading of z0.test, z1.test",
        "ok": True,
        "why": "no transfer is allowed, so other names that point to a server cannot be listed",
        "hint": "",
        "warning": False,
    } in reply.facts["findings"]  # type: ignore[operator]


async def test_a_key_that_may_change_more_than_addresses_is_warned_of_once_for_all_zones(tmp_path: Path) -> None:
    ports, dns = ports_of(tmp_path, 2)
    dns.more = ("NS records", "MX records")
    reply = await check_live(ports)
    assert reply.facts
    warned = [one for one in reply.facts["findings"] if one["warning"]]  # type: ignore[attr-defined]
    assert [(one["what"], one["why"]) for one in warned] == [
        ("update at 192.0.2.53:53 of 2 zones", "its key may also change NS records, MX records")
    ]
    assert warned[0]["hint"]


@pytest.mark.parametrize("more", [(), None])
async def test_a_key_that_may_not_or_of_which_it_is_not_said_is_warned_of_not_at_all(
    tmp_path: Path, more: tuple[str, ...] | None
) -> None:
    ports, dns = ports_of(tmp_path, 2)
    dns.more = more
    reply = await check_live(ports)
    assert reply.facts
    assert not any(one["warning"] for one in reply.facts["findings"])  # type: ignore[attr-defined]
