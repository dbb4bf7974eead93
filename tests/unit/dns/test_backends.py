"""A DNS backend is one new file, and a key of the fleet file that chooses it."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import ops.dns.backends
from core.dns.promises import Promises
from core.errors import SettingsError
from core.fleet import DnsSettings, Endpoint, Fleet, SecretRef, Tsig
from ops.dns import Backend, all_backends, open_dns
from ops.dns.backends.rfc2136 import Rfc2136
from ops.fleetfile import examine, schema_text, secret_reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLEET = Fleet("test", "UTC", {}, {}, DnsSettings((Endpoint("192.0.2.53"),), (), ("a.example",)))
FILE = """
fleet: small
servers:
  a: {ipv4: 192.0.2.1, ssh: {user: ops, key: env:KEY, known_hosts: known_hosts}}
sites: {}
dns:
  backend: provider
  nameservers: {n: {address: 192.0.2.53}}
  zones: [example.org]
"""
PROVIDER = """
from dataclasses import dataclass
from datetime import timedelta

from core.fleet import Endpoint, SecretRef
from ops.dns import Backend

@dataclass(frozen=True)
class Account:
    token: SecretRef
    project: str
    pause: timedelta = timedelta(seconds=2)
    retries: int = 3
    second: SecretRef | None = None

def made(fleet, secret):
    account = Account(**fleet.dns.provider)
    return account, secret(account.token)

BACKEND = Backend("provider", made, settings=Account, update=Endpoint("api.provider.example", 443))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(ops.dns.backends, "__path__", [*ops.dns.backends.__path__, str(tmp_path)])
    all_backends.cache_clear()
    yield tmp_path
    all_backends.cache_clear()
    sys.modules.pop("ops.dns.backends.provider", None)


@pytest.fixture
def provider(folder: Path) -> Path:
    (folder / "provider.py").write_text(PROVIDER)
    return folder


def read(folder: Path, more: str) -> tuple[Fleet | None, list[str]]:
    """Return the fleet, and what is serious about its file."""
    (folder / "app.yaml").write_text(FILE + more)
    fleet, problems = examine(folder / "app.yaml", {"KEY": "x", "TOKEN": "geheim"})
    return fleet, [problem.said("app.yaml").partition(": ")[2] for problem in problems if problem.serious]


def test_the_default_backend_is_found() -> None:
    assert isinstance(open_dns(FLEET, lambda _: ""), Rfc2136)


def test_every_backend_bears_the_name_of_its_file() -> None:
    assert list(all_backends()) == ["rfc2136"]


def test_signed_updates_promise_everything() -> None:
    assert Rfc2136.promises == Promises(atomic=True, conditional=True, provable=True)


def test_one_new_file_is_a_new_backend_with_settings_of_its_own(provider: Path) -> None:
    fleet, refused = read(provider, "  provider: {token: file:token, project: garden, pause: 5s}\n")
    assert refused == []
    assert fleet is not None
    token = SecretRef("file", str(provider / "token"))
    assert fleet.dns.provider == {
        "token": token,
        "project": "garden",
        "pause": timedelta(seconds=5),
        "retries": 3,
        "second": None,
    }
    (provider / "token").write_text("geheim\n")
    (provider / "token").chmod(0o600)
    account, secret = open_dns(fleet, secret_reader(fleet, {}))  # type: ignore[misc]
    assert (account.token, account.pause, secret) == (token, timedelta(seconds=5), "geheim")
    assert '"provider",\n            "rfc2136"' in schema_text()


def test_where_a_backend_knows_where_its_changes_go_no_update_server_is_needed(provider: Path) -> None:
    settings = "  provider: {token: env:TOKEN, project: garden}\n"
    fleet, _ = read(provider, settings)
    assert fleet is not None
    assert fleet.dns.update == (Endpoint("api.provider.example", 443),)
    fleet, _ = read(provider, f"{settings}  update: [{{address: 192.0.2.9}}]\n")
    assert fleet is not None
    assert fleet.dns.update == (Endpoint("192.0.2.9"),)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("", ["dns.provider.token: is missing.", "dns.provider.project: is missing."]),
        ("  provider: {tokn: env:TOKEN}\n", ["is not known here. Did you mean token?"]),
        ("  provider: {token: geheim, project: x}\n", ["dns.provider.token: is neither env:NAME nor file:PATH."]),
        ("  provider: {token: env:TOKEN, project: [x]}\n", ["dns.provider.project: must be text, not a list."]),
        ("  provider: {token: env:TOKEN, project: x, pause: soon}\n", ["dns.provider.pause: 'soon' is no duration"]),
        ("  provider: garden\n", ["dns.provider: must be a mapping, like {key: value}, not text."]),
    ],
)
def test_what_is_wrong_with_a_backends_own_settings_is_said_like_all_else(
    provider: Path, settings: str, said: list[str]
) -> None:
    fleet, refused = read(provider, settings)
    assert fleet is None
    assert all(any(one in line for line in refused) for one in said), refused


def test_a_secret_of_a_backend_that_is_not_there_is_said_by_its_key(provider: Path) -> None:
    (provider / "app.yaml").write_text(f"{FILE}  provider: {{token: env:TOKEN, project: garden}}\n")
    fleet, problems = examine(provider / "app.yaml", {"KEY": "x"})
    assert "dns.provider.token" in {problem.where for problem in problems if not problem.serious}
    assert fleet is not None
    with pytest.raises(SettingsError, match=r"dns\.provider\.token: the environment variable TOKEN is not set"):
        open_dns(fleet, secret_reader(fleet, {}))


def test_a_backend_that_is_not_there_is_refused_with_those_that_are_and_nothing_else(provider: Path) -> None:
    (provider / "app.yaml").write_text(FILE.replace("backend: provider", "backend: provder"))
    _, problems = examine(provider / "app.yaml", {"KEY": "x"})
    (problem,) = [one for one in problems if one.serious]
    assert problem.said("app.yaml") == (
        "app.yaml:7: dns.backend: must be one of 'provider', 'rfc2136'. Did you mean provider?"
    )


@pytest.mark.parametrize("source", ["", "BACKEND = 'provider'\n"])
def test_a_file_without_a_proper_backend_is_refused_by_name(folder: Path, source: str) -> None:
    (folder / "provider.py").write_text(source)
    with pytest.raises(TypeError, match=r"ops/dns/backends/provider\.py"):
        all_backends()


def test_two_backends_of_one_name_are_refused(folder: Path) -> None:
    (folder / "provider.py").write_text(
        "from ops.dns import Backend\n"
        "from ops.dns.backends.rfc2136 import Rfc2136\n"
        "BACKEND = Backend('rfc2136', Rfc2136)\n"
    )
    with pytest.raises(TypeError, match="rfc2136"):
        all_backends()


def test_opening_reads_no_secret() -> None:
    def never(ref: SecretRef) -> str:
        raise AssertionError(ref)

    keyed = Fleet("test", "UTC", {}, {}, DnsSettings((), (), (), Tsig("bot", "hmac-sha256", SecretRef("env", "KEY"))))
    assert isinstance(open_dns(keyed, never), Rfc2136)


def test_the_backend_of_signed_updates_has_no_settings_of_its_own() -> None:
    assert all_backends()["rfc2136"] == Backend("rfc2136", Rfc2136)
