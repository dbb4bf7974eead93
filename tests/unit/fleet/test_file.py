"""What a broken fleet file is told: every problem at once, each with its line. The example is the contract's own."""

from __future__ import annotations

import os
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import SettingsError
from core.fleet import (
    ApprovalPolicy,
    Database,
    Endpoint,
    Fleet,
    Hook,
    Hooks,
    Mail,
    MailDomain,
    MailMirror,
    MailPorts,
    MailQueue,
    NameServer,
    Offsite,
    OffsiteServer,
    Peer,
    ProbeMailbox,
    Schedule,
    SecretRef,
    Server,
    Site,
    SiteCheck,
    SlackAccess,
    SshLogin,
    StatusPage,
    SyncPolicy,
    Tsig,
    Watch,
    WebPorts,
)
from ops.fleetfile import examine, load_fleet

EXAMPLE = (Path(__file__).parent / "fleet_example.yaml").read_text()
ENVIRON = {"SHARPNET_TSIG": "made up", "SHARPNET_RESTIC_PASSWORD": "made up", "SHARPNET_PROBE": "made up"}
SMALLEST = """
fleet: small
servers:
  a: {ipv4: 192.0.2.1, ssh: {user: ops, key: file:keys/bot, known_hosts: keys/known_hosts}}
sites: {}
dns: {update: [{address: 192.0.2.53}], nameservers: {n: {address: 192.0.2.53}}, zones: [example.org]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold the files that the example needs."""
    (tmp_path / "keys").mkdir()
    for name in ("bot", "known_hosts"):
        (tmp_path / "keys" / name).write_text("made up\n")
        (tmp_path / "keys" / name).chmod(0o600)
    return tmp_path


def told(folder: Path, text: str | bytes) -> list[str]:
    """Return what is said about a file that holds `text`; a warning begins with `Warning: `."""
    path = folder / "app.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [("" if p.serious else "Warning: ") + p.said("app.yaml") for p in examine(path, ENVIRON)[1]]


def fleet_of(folder: Path, text: str) -> Fleet:
    (folder / "app.yaml").write_text(text)
    return load_fleet(folder / "app.yaml", ENVIRON)


def changed(*changes: tuple[str, str]) -> str:
    text = EXAMPLE
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return text


def test_nothing_is_wrong_with_the_contracts_example(folder: Path) -> None:
    assert told(folder, EXAMPLE) == []


def test_the_example_becomes_the_fleet_that_it_describes(folder: Path) -> None:
    fleet = fleet_of(folder, EXAMPLE)
    login = SshLogin("sharpnet", 2222, SecretRef("file", f"{folder}/keys/bot"), f"{folder}/keys/known_hosts")
    assert (fleet.name, fleet.timezone) == ("sharpnet", "Europe/London")
    assert fleet.slack == SlackAccess("C01OPS", ("U01ALICE", "U02BOB"), ("U01ALICE", "U02BOB"))
    assert fleet.approval == ApprovalPolicy(1, timedelta(minutes=10))
    assert list(fleet.servers) == ["uk", "us"]
    assert fleet.servers["uk"] == Server(
        name="uk",
        location="London",
        ipv4="127.10.0.1",
        ssh=login,
        peer=Peer("/srv/uk/keys/peer", "/srv/uk/keys/known_hosts", "/srv/uk/www"),
        web=WebPorts(http=8080),
        status_page=StatusPage("/srv/uk/status", "http://127.10.0.1:8080/"),
    )
    assert fleet.sites["garden.example"] == Site(
        name="garden.example",
        home="uk",
        mirrors=("us",),
        names=("garden.example", "www.garden.example"),
        root="/srv/{server}/www/garden.example",
        exclude=("cache/", "*.tmp"),
        check=SiteCheck("/", 200, "Garden"),
        sync="daily",
        max_age=timedelta(hours=26),
    )
    assert fleet.dns.update == (Endpoint("127.53.0.10", 5300),)
    assert fleet.dns.tsig == Tsig("bot-update", "hmac-sha256", SecretRef("env", "SHARPNET_TSIG"))
    assert fleet.dns.nameservers[5] == NameServer("ns6", Endpoint("127.53.0.6", 5300), "Sao Paulo")
    assert fleet.dns.zones == ("garden.example", "prairie.example")
    assert fleet.schedule == Schedule("0 3 * * *", "30 4 * * *", "0 8 * * *")
    mailbox = ProbeMailbox("probe@garden.example", SecretRef("env", "SHARPNET_PROBE"))
    domain = MailDomain("garden.example", ("uk", "us"), "postmaster@garden.example", mailbox)
    mirror, queue = MailMirror(timedelta(minutes=2), None), MailQueue(50, timedelta(hours=1))
    assert fleet.mail == Mail({"garden.example": domain}, MailPorts(2525, 1143), mirror, queue)
    assert fleet.offsite == Offsite(
        server=OffsiteServer("127.30.0.1", login),
        path="/srv/offsite/restic",
        password=SecretRef("env", "SHARPNET_RESTIC_PASSWORD"),
        keep={"daily": 7, "weekly": 5, "monthly": 12},
    )


def test_everything_but_four_sections_may_be_left_out(folder: Path) -> None:
    fleet = fleet_of(folder, SMALLEST)
    assert fleet.timezone == "UTC"
    assert (fleet.watch, fleet.sync, fleet.approval) == (Watch(), SyncPolicy(), ApprovalPolicy())
    assert fleet.schedule == Schedule("0 3 * * *", None, None)
    assert (fleet.slack, fleet.mail, fleet.offsite, fleet.notify) == (None, None, None, ())
    assert (fleet.dns.tsig, fleet.dns.max_ttl_s, fleet.dns.agree_within) == (None, 300, timedelta(seconds=60))
    assert (fleet.dns.update[0].port, fleet.servers["a"].ssh.port) == (53, 22)
    assert (fleet.servers["a"].location, fleet.dns.nameservers[0].location) == ("a", "n")


def test_what_is_left_out_of_a_site_has_the_defaults_of_the_fleets_values(folder: Path) -> None:
    site = fleet_of(folder, EXAMPLE).sites["prairie.example"]
    left_out = {field.name: field.default for field in fields(Site)}
    for name in ("exclude", "check", "sync", "max_age", "databases"):
        assert getattr(site, name) == left_out[name]


def test_a_key_with_nothing_after_its_colon_counts_as_left_out(folder: Path) -> None:
    fleet = fleet_of(folder, SMALLEST + "watch:\nslack:\nschedule: {sync: }\nnotify:\n")
    assert (fleet.watch, fleet.slack, fleet.schedule.sync, fleet.notify) == (Watch(), None, "0 3 * * *", ())


def test_values_that_the_example_lacks_are_read_as_well(folder: Path) -> None:
    text = changed(
        (
            "databases: []",
            """databases: [{engine: mariadb, name: garden, socket: '/run/{server}.sock', user: me, password: file:pw}]
    hooks: {before_sync: [{on: uk, run: sync}], freeze: [{on: source, run: touch x, timeout: 5s}]}
    bandwidth: 2M
    owner: {us: 'www-data:web'}
    work: {uk: /home}""",
        ),
        ("ipv4: 127.10.0.1", "ipv6: 2001:DB8:0::1"),
        ("web: {http: 8080}", "web: {http: 8080, https: 8443}\n    work: /srv/uk/work"),
        ("names: [garden.example, www.garden.example]", "names: [BÜCHER.garden.example., Www.Garden.Example]"),
        ('sync: "0 3 * * *"', "sync: off"),
        ("sync: daily ", 'sync: "0 4 * * 0-2,7"'),
        ("max_ttl: 300", "max_ttl: 60\n  agree_within: 90s"),
        ("notify: []", "notify: [env:SHARPNET_TSIG, file:keys/bot]"),
    )
    fleet = fleet_of(folder, text)
    site = fleet.sites["garden.example"]
    password = SecretRef("file", f"{folder}/pw")
    assert site.databases == (Database("mariadb", "garden", "/run/{server}.sock", user="me", password=password),)
    assert site.hooks == Hooks(
        before_sync=(Hook("uk", "sync"),), freeze=(Hook("source", "touch x", timedelta(seconds=5)),)
    )
    assert (site.bandwidth, site.owner) == (2 << 20, {"us": "www-data:web"})
    assert (site.work_on("uk"), site.work_on("us")) == ("/home", "/srv/us/www")
    assert fleet.sites["prairie.example"].work_on("uk") == "/srv/uk/work"
    assert (fleet.servers["uk"].ipv4, fleet.servers["uk"].ipv6) == (None, "2001:db8::1")
    assert fleet.servers["uk"].web == WebPorts(8080, 8443)
    assert site.names == ("xn--bcher-kva.garden.example", "www.garden.example")
    assert fleet.schedule.sync is None
    assert site.sync == "0 4 * * sun,mon,tue"
    assert fleet.dns.agree_within == timedelta(seconds=90)
    assert fleet.notify == (SecretRef("env", "SHARPNET_TSIG"), SecretRef("file", f"{folder}/keys/bot"))


@pytest.mark.parametrize(
    "name", ["a b", "it's", '"', "$(reboot)", "`x`", "a;b|c&d", "*", "-rf", "ü", "a" * 255, "404", "[key]"]
)
def test_a_site_may_have_any_printable_name(folder: Path, name: str) -> None:
    key = "'" + name.replace("'", "''") + "'"
    assert name in fleet_of(folder, changed(("  prairie.example:\n", f"  {key}:\n"))).sites


MISTAKES = (Path(__file__).parent / "fleet_mistakes.txt").read_text().strip().split("\n\n")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_mistake_is_said_with_its_line_and_what_would_be_right(folder: Path, mistake: str) -> None:
    """Each is a piece of the example (-), what stands there instead (+), and what is said (=)."""
    parts = {mark: [line[2:] for line in mistake.split("\n") if line[0] == mark] for mark in "-+="}
    text = changed(("\n".join(parts["-"]), "\n".join(parts["+"])))
    assert told(folder, text) == parts["="]


def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_lines(folder: Path) -> None:
    text = changed(
        ("Europe/London", "Mars/Olympus"),
        ("approval_ttl: 10m", "approval_ttl: soon"),
        ("home: uk ", "home: usa "),
        ("  prairie.example:\n", "  garden.example:\n"),
        ("env:SHARPNET_TSIG", "env:NOT_SET"),
        ("every: 30s", "every: 1s"),
    )
    lines = [int(said.split("app.yaml:")[1].split(":")[0]) for said in told(folder, text)]
    assert lines == [6, 13, 37, 46, 55, 63, 66]


def test_loading_refuses_a_broken_file_with_every_problem_and_no_warning(folder: Path) -> None:
    text = changed(
        ("Europe/London", "Mars/Olympus"),
        ("approval_ttl: 10m", "approval_ttl: soon"),
        ("env:SHARPNET_TSIG", "env:NOT_SET"),
    )
    with pytest.raises(SettingsError) as refused:
        fleet_of(folder, text)
    assert [problem.split("app.yaml:")[1].split(": ")[0] for problem in refused.value.problems] == ["6", "13"]
    assert "2 problems" in refused.value.message


def test_a_warning_does_not_keep_a_fleet_from_loading(folder: Path) -> None:
    assert fleet_of(folder, changed(("env:SHARPNET_TSIG", "env:NOT_SET"))).name == "sharpnet"


def test_problems_name_the_file_as_one_would_type_it_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SettingsError) as refused:
        fleet_of(folder, changed(("approval_ttl: 10m", "approval_ttl: soon")))
    assert refused.value.problems[0].startswith("app.yaml:13: slack.approval_ttl: ")


@pytest.mark.parametrize(
    "secret",
    [
        "c2VjcmV0LXNlY3JldA==",
        "*c2VjcmV0",
        "!c2VjcmV0",
        "[c2VjcmV0]",
        "{c2VjcmV0: 1}",
        "&c2VjcmV0 x",
        "'c2VjcmV0",
        '"file:c2VjcmV0\\a"',
        "env:c2VjcmV0 x",
        "@c2VjcmV0",
        "a: c2VjcmV0",
        "%c2VjcmV0",
    ],
)
def test_a_secret_that_was_written_into_the_file_is_never_repeated(folder: Path, secret: str) -> None:
    said = told(folder, changed(("env:SHARPNET_TSIG", secret)))
    assert said
    assert not any("c2VjcmV0" in line for line in said)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o601])
def test_a_secret_file_that_others_can_open_is_refused_with_the_command_that_mends_it(folder: Path, mode: int) -> None:
    (folder / "keys" / "bot").chmod(mode)
    assert told(folder, EXAMPLE) == [
        (
            f"app.yaml:19: servers.uk.ssh.key: {folder}/keys/bot is open to others (mode {mode:04o}). "
            f"Type: chmod 600 {folder}/keys/bot"
        )
    ]


def test_files_that_are_not_there_are_warned_of_once_each(folder: Path) -> None:
    (folder / "keys" / "bot").unlink()
    (folder / "keys" / "known_hosts").unlink()
    assert told(folder, EXAMPLE) == [
        (
            f"Warning: app.yaml:19: servers.uk.ssh.key: {folder}/keys/bot is not there. "
            "Write the secret into it, and make it yours alone: chmod 600."
        ),
        (
            f"Warning: app.yaml:19: servers.uk.ssh.known_hosts: {folder}/keys/known_hosts cannot be read. "
            "Write it with ssh-keyscan, and compare the keys with the servers' own."
        ),
    ]


def test_a_server_that_keeps_copies_without_a_peer_key_is_warned_of(folder: Path) -> None:
    text = changed(
        ("    peer: {key: /srv/us/keys/peer, known_hosts: /srv/us/keys/known_hosts, limited_to: /srv/us/www}\n", "")
    )
    assert told(folder, text) == [
        (
            "Warning: app.yaml:27: servers.us: has no peer key, so it cannot copy 2 sites from the others."
            " Add peer: {key: …, known_hosts: …}."
        )
    ]


def test_a_site_outside_of_what_the_others_may_read_is_refused(folder: Path) -> None:
    said = told(folder, changed(("limited_to: /srv/uk/www ", "limited_to: /srv/uk/web ")))
    assert said[0] == (
        "app.yaml:40: sites.garden.example.root: on uk it lies outside of /srv/uk/web, where others may read. "
        "Move it, or widen servers.uk.peer.limited_to."
    )
    assert len(said) == 2


def test_a_backup_without_a_place_to_go_to_is_warned_of(folder: Path) -> None:
    text = EXAMPLE[: EXAMPLE.index("offsite:")]
    said = "schedule.backup: there is no place for a backup to go to. Add offsite, or set backup: off."
    assert told(folder, text) == [f"Warning: app.yaml:70: {said}"]


def test_a_file_with_windows_line_ends_and_a_mark_at_its_begin_is_read(folder: Path) -> None:
    windows = b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode()
    assert told(folder, windows) == []
    assert told(folder, windows.replace(b"ttl: 10m", b"ttl: soon"))[0].startswith("app.yaml:13: ")


def test_parts_that_are_alike_may_be_written_once(folder: Path) -> None:
    text = changed(
        (
            "  prairie.example:\n    home: us ",
            "  prairie.example:\n    <<: {check: {status: 204}, home: uk}\n    home: us ",
        ),
        ("ssh: {user", "ssh: &login {user"),
        (
            "ssh: {user: sharpnet, port: 2222, key: file:keys/bot, known_hosts: keys/known_hosts}\n    peer: {",
            "ssh: *login\n    peer: {",
        ),
    )
    fleet = fleet_of(folder, text)
    assert fleet.servers["us"].ssh == fleet.servers["uk"].ssh
    assert fleet.sites["prairie.example"].check.status == 204
    assert fleet.sites["prairie.example"].home == "us"


def test_a_mistake_in_a_part_that_is_used_twice_is_said_where_it_is_written(folder: Path) -> None:
    text = changed(
        ("ssh: {user: sharpnet, port: 2222", "ssh: &login {user: sharpnet, port: 0"),
        (
            "ssh: {user: sharpnet, port: 2222, key: file:keys/bot, known_hosts: keys/known_hosts}\n    peer: {",
            "ssh: *login\n    peer: {",
        ),
    )
    assert told(folder, text) == [
        "app.yaml:19: servers.uk.ssh.port: must be at least 1, not 0.",
        "app.yaml:19: servers.us.ssh.port: must be at least 1, not 0.",
    ]


def test_a_file_that_unfolds_to_millions_of_values_is_refused_before_it_does(folder: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert told(folder, "\n".join(levels)) == [
        "app.yaml:7: unfolds to more than 3,000,000 values. Use fewer aliases (*)."
    ]


def test_a_part_that_holds_itself_is_refused(folder: Path) -> None:
    assert "is not named with & before it" in told(folder, "fleet: &f [*f]\n")[0]


@pytest.mark.parametrize("deep", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000])
def test_a_file_that_is_nested_without_end_is_refused(folder: Path, deep: str) -> None:
    assert told(folder, deep)[0].startswith("app.yaml:1: ")


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x7f", "\x9b", "\ufeff", "\uffff"])
def test_a_file_with_a_control_character_is_refused_with_its_line(folder: Path, character: str) -> None:
    assert told(folder, changed(("fleet: sharpnet", f"fleet: sharp{character}net"))) == [
        f"app.yaml:5: holds a control character (U+{ord(character):04X}). Remove it."
    ]


def test_a_file_of_another_encoding_is_refused_with_the_line_of_its_first_wrong_byte(folder: Path) -> None:
    assert told(folder, EXAMPLE.encode().replace(b"Garden}", "Gärden}".encode("latin-1"))) == [
        "app.yaml:42: is not UTF-8 text. Save it as UTF-8."
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: is empty. Copy the example app.yaml and change it."),
        (" \n\n", "1: is empty. Copy the example app.yaml and change it."),
        ("# nothing\n", "1: holds nothing. Write a mapping: fleet, servers, sites, dns."),
        ("- a\n", "1: holds a list. Write a mapping: fleet, servers, sites, dns."),
        ("sharpnet\n", "1: holds text. Write a mapping: fleet, servers, sites, dns."),
    ],
)
def test_a_file_without_a_fleet_in_it_is_refused(folder: Path, text: str, said: str) -> None:
    assert told(folder, text) == [f"app.yaml:{said}"]


def test_what_is_no_readable_file_is_refused_in_plain_words(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(33 << 20)
    said = {
        name: examine(tmp_path / name)[1][0].message
        for name in ("missing", ".", "pipe", "huge", "bad\0name", "a" * 300)
    }
    assert said == {
        "missing": "is not there",
        ".": "is a directory",
        "pipe": "is no file",
        "huge": "holds 34,603,008 bytes",
        "bad\0name": "cannot be read: its name is no path",
        "a" * 300: "cannot be read: File name too long",
    }


def test_ten_thousand_sites_that_are_all_wrong_are_each_said(folder: Path) -> None:
    sites = "".join(
        f"  s{n}: {{home: b, mirrors: [], names: [s{n}.example.org], root: /srv/s{n}}}\n" for n in range(10_000)
    )
    assert len(told(folder, SMALLEST.replace("sites: {}\n", "sites:\n" + sites))) == 10_000
