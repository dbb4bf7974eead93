"""What a server says of itself: captured outputs, and what of them is a warning."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fleet import DnsSettings, Fleet, HostLimits, SecretRef, Server, Site, SshLogin
from core.monitor.host_checks import FACTS, PATHS, HostMeasurement, host_command, paths_of, remarks_of, sections

HEALTHY = """\
== clock
1000.4
== disk
Filesystem     1024-blocks     Used Available Capacity Mounted on
/dev/vda1        264212084 29190864  77200048      28% /
/dev/vdb1          1000000   930000     70000      93% /srv/with blank
== inodes
Filesystem      Inodes  IUsed    IFree IUse% Mounted on
/dev/vda1     16777216 401332 16375884    3% /
btrfs                0      0        0     - /srv/with blank
== memory
MemTotal:       24684084 kB
MemFree:        20328268 kB
MemAvailable:   22218228 kB
== load
0.52 3.10 0.22 2/512 12345
2
== units
0
== reboot
no
"""


def remarks(text: str, *, begun_s: float = 1000.0, ended_s: float = 1001.0, **limits: object) -> tuple[str, ...] | None:
    return remarks_of(text, HostMeasurement(HostLimits(**limits), begun_s, ended_s))  # type: ignore[arg-type]


def test_a_healthy_server_gets_no_remark() -> None:
    assert remarks(HEALTHY, disk=0.95) == ()


@pytest.mark.parametrize(
    ("before", "after", "limits", "said"),
    [
        ("", "", {"disk": 0.9}, "disk /srv/with blank 93 % full"),
        ("401332 16375884", "16375884 401332", {}, "inodes of / 97 % used"),
        ("MemAvailable:   22218228", "MemAvailable:   246840", {}, "memory 99 % used"),
        ("", "", {"load": 1.5}, "load 1.6 a processor"),
        ("1000.4", "1030.0", {}, "its clock is 29 s ahead"),
        ("1000.4", "0990.0", {}, "its clock is 10 s behind"),
        (
            "== units\n0",
            "== units\nnginx.service loaded failed failed A web server\na.timer loaded failed failed x\n0",
            {},
            "2 failed units: nginx.service, a.timer",
        ),
        ("== reboot\nno", "== reboot\nyes", {"reboot": True}, "it waits for a reboot"),
    ],
)
def test_what_passes_a_limit_is_said_with_its_figure(
    before: str, after: str, limits: dict[str, object], said: str
) -> None:
    assert remarks(HEALTHY.replace(before, after), **limits) == (said,)


def test_what_does_not_count_is_not_said() -> None:
    text = HEALTHY.replace("== units\n0", "== units\na.service loaded failed failed x\n0").replace("\nno", "\nyes")
    assert remarks(text, units=False, reboot=False) == ()


@pytest.mark.parametrize(
    ("fact", "text"), [("reboot", "no"), ("reboot", "yes"), ("units", "0"), ("load", "0 0 0 1/1 1\n1")]
)
def test_one_fact_is_enough_to_be_read(fact: str, text: str) -> None:
    assert remarks(f"== {fact}\n{text}\n") == ()
    assert remarks(f"== {fact}\n{text[:-1]}\n") is None


def test_a_file_system_of_one_block_may_be_full() -> None:
    assert remarks(HEALTHY.replace("930000     70000", "1 0")) == ("disk /srv/with blank 100 % full",)


def test_what_else_a_server_says_of_its_memory_is_passed_over() -> None:
    text = HEALTHY.replace("MemFree:        20328268 kB", "Unknown: 1: 2: 3\nUnknown")
    assert remarks(text.replace("22218228", "246840")) == ("memory 99 % used",)


def test_a_clock_is_right_anywhere_between_asking_and_answering() -> None:
    assert remarks(HEALTHY.replace("1000.4", "1020"), begun_s=990, ended_s=1040, clock=timedelta(seconds=1)) == ()


@pytest.mark.parametrize("fact", [fact.name for fact in FACTS])
def test_what_a_server_cannot_say_is_no_remark_and_hides_no_other(fact: str) -> None:
    parts = sections(HEALTHY)
    text = "".join(f"== {name}\n{'' if name == fact else body}" for name, body in parts.items())
    assert remarks(text, disk=0.9) == (() if fact == "disk" else ("disk /srv/with blank 93 % full",))


def test_a_host_without_systemd_has_no_failed_units() -> None:
    assert remarks(HEALTHY.replace("== units\n0", "== units\n1")) == ()


@given(st.text())
def test_an_answer_that_says_nothing_is_unknown_not_well(text: str) -> None:
    assert remarks(text.replace("==", "")) is None


@given(st.sampled_from([fact.name for fact in FACTS]), st.text())
def test_whatever_a_server_answers_is_read_or_left_alone(fact: str, text: str) -> None:
    parts = {**sections(HEALTHY), fact: text}
    assert remarks("".join(f"== {name}\n{body}\n" for name, body in parts.items())) is not None


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        ("clock", "nan"),
        ("clock", "1e300"),
        ("memory", "MemTotal: 0 kB\nMemAvailable: 0 kB"),
        ("memory", "MemTotal:\nMemAvailable:"),
        ("load", "1 1 1 1/1 1\n0"),
    ],
)
def test_figures_that_make_no_sense_are_no_remark(fact: str, text: str) -> None:
    parts = {**sections(HEALTHY), fact: text}
    assert remarks("".join(f"== {name}\n{body}\n" for name, body in parts.items())) == ()


def test_the_command_holds_every_fact_and_quotes_paths() -> None:
    command = host_command(("/", "/srv/it's"))
    assert all(f"'== {fact.name}'" in command for fact in FACTS)
    assert """'/srv/it'"'"'s'""" in command


@pytest.mark.parametrize(("sites", "paths"), [(2, ("/", "/srv/uk/0", "/srv/uk/1")), (PATHS + 5, ("/", "/srv/uk"))])
def test_of_many_sites_the_folders_stand_for_them(sites: int, paths: tuple[str, ...]) -> None:
    login = SshLogin("ops", 22, SecretRef("file", "/k"), "/kh")
    server = Server("uk", "Oslo", login, ipv4="192.0.2.1")
    some = {str(n): Site(str(n), "uk", (), (f"{n}.test",), f"/srv/{{server}}/{n}") for n in range(sites)}
    elsewhere = {"x": Site("x", "us", (), ("x.test",), "/elsewhere")}
    fleet = Fleet("test", "UTC", {"uk": server}, {**some, **elsewhere}, DnsSettings((), (), ("test",)))
    assert paths_of(fleet, "uk") == paths


def test_a_server_that_writes_on_and_on_is_degraded_by_that_and_is_not_read() -> None:
    assert remarks(HEALTHY.ljust(1_000_000, "x"), disk=0.95) == ()
    said = ("it writes without end where a command should answer",)
    assert remarks(HEALTHY.ljust(1_000_001, "x"), disk=0.95) == said
