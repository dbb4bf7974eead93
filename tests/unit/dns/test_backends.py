"""A DNS backend is one new file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import ops.dns.backends
from core.errors import SettingsError
from core.fleet import DnsSettings, Endpoint, Fleet, SecretRef, Tsig
from ops.dns import Backend, all_backends, open_dns
from ops.dns.backends.rfc2136 import Rfc2136

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLEET = Fleet("test", "UTC", {}, {}, DnsSettings((Endpoint("192.0.2.53"),), (), ("a.example",)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(ops.dns.backends, "__path__", [*ops.dns.backends.__path__, str(tmp_path)])
    all_backends.cache_clear()
    yield tmp_path
    all_backends.cache_clear()
    sys.modules.pop("ops.dns.backends.provider", None)


def test_the_default_backend_is_found() -> None:
    assert isinstance(open_dns(FLEET, lambda _: ""), Rfc2136)


def test_every_backend_bears_the_name_of_its_file() -> None:
    assert list(all_backends()) == ["rfc2136"]


def test_one_new_file_is_a_new_backend(folder: Path) -> None:
    source = "from ops.dns import Backend\nBACKEND = Backend('provider', lambda fleet, secret: (fleet, secret))\n"
    (folder / "provider.py").write_text(source)
    assert set(all_backends()) == {"provider", "rfc2136"}
    assert open_dns(FLEET, str, backend="provider") == (FLEET, str)


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


def test_a_backend_that_is_not_there_is_a_settings_error_that_lists_those_that_are() -> None:
    with pytest.raises(SettingsError) as caught:
        open_dns(FLEET, lambda _: "", backend="carrier-pigeon")
    assert "rfc2136" in caught.value.hint


def test_opening_reads_no_secret() -> None:
    def never(ref: SecretRef) -> str:
        raise AssertionError(ref)

    keyed = Fleet("test", "UTC", {}, {}, DnsSettings((), (), (), Tsig("bot", "hmac-sha256", SecretRef("env", "KEY"))))
    assert isinstance(open_dns(keyed, never), Rfc2136)


def test_a_backend_is_a_name_and_a_factory() -> None:
    assert all_backends()["rfc2136"] == Backend("rfc2136", Rfc2136)
