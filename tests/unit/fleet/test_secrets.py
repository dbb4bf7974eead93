from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.errors import SettingsError
from core.fleet import Endpoint, Fleet, Offsite, OffsiteServer, SecretRef, SshLogin, Tsig
from ops.fleetfile import secret_reader

if TYPE_CHECKING:
    from pathlib import Path


def secret_file(folder: Path, content: bytes, mode: int = 0o600) -> SecretRef:
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return SecretRef("file", str(path))


@pytest.mark.parametrize(
    ("content", "secret"),
    [(b"hush", "hush"), (b"hush\n", "hush"), (b"hush\r\n", "hush"), (b"hush\n\n", "hush\n"), (b" hush ", " hush ")],
)
def test_a_secret_file_is_read_without_its_last_newline(
    tmp_path: Path, fleet: Fleet, content: bytes, secret: str
) -> None:
    assert secret_reader(fleet)(secret_file(tmp_path, content)) == secret


def test_a_secret_in_the_environment_is_read_as_it_is(fleet: Fleet) -> None:
    environ = {"KEY": "hush\n"}
    assert secret_reader(fleet, environ)(SecretRef("env", "KEY")) == "hush\n"


def test_a_secret_that_changes_is_read_anew(tmp_path: Path, fleet: Fleet) -> None:
    read = secret_reader(fleet)
    assert read(secret_file(tmp_path, b"old")) == "old"
    assert read(secret_file(tmp_path, b"new")) == "new"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o622])
def test_a_secret_file_that_others_can_open_is_not_read(tmp_path: Path, fleet: Fleet, mode: int) -> None:
    with pytest.raises(SettingsError, match=f"is open to others \\(mode {mode:04o}\\)") as refused:
        secret_reader(fleet)(secret_file(tmp_path, b"hush", mode))
    assert refused.value.hint == f"Type: chmod 600 {tmp_path}/secret"


def test_what_to_type_can_be_typed_whatever_the_path(tmp_path: Path, fleet: Fleet) -> None:
    folder = tmp_path / "it's here"
    folder.mkdir()
    with pytest.raises(SettingsError) as refused:
        secret_reader(fleet)(secret_file(folder, b"hush", 0o644))
    assert refused.value.hint.endswith("it'\"'\"'s here/secret'")


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "holds 0 bytes"), (b"\xff\xfe", "holds no text"), (b"x" * 1_048_577, "1,048,577 bytes")]
)
def test_a_file_that_cannot_be_a_secret_is_refused(tmp_path: Path, fleet: Fleet, content: bytes, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        secret_reader(fleet)(secret_file(tmp_path, content))


def test_a_secret_that_is_not_there_is_said_with_its_use(tmp_path: Path, fleet: Fleet) -> None:
    tsig = Tsig("key", "hmac-sha256", SecretRef("env", "TSIG"))
    login = SshLogin("ops", 22, SecretRef("file", f"{tmp_path}/offsite"), "/keys/known_hosts")
    offsite = Offsite(OffsiteServer("192.0.2.9", login), "/backup", SecretRef("env", "RESTIC"))
    fleet = replace(
        fleet,
        dns=replace(fleet.dns, tsig=tsig, update=(Endpoint("192.0.2.53"),)),
        offsite=offsite,
        notify=(SecretRef("env", "HOOK"),),
    )
    read = secret_reader(fleet, {"HOOK": ""})
    said = []
    for secret in (tsig.secret, login.key, offsite.password, fleet.notify[0], SecretRef("env", "OTHER")):
        with pytest.raises(SettingsError) as refused:
            read(secret)
        said.append(refused.value.message)
    assert said == [
        "dns.tsig.secret: the environment variable TSIG is not set.",
        f"offsite.server.ssh.key: {tmp_path}/offsite is not there.",
        "offsite.password: the environment variable RESTIC is not set.",
        "notify[0]: the environment variable HOOK is not set.",
        "the environment variable OTHER is not set.",
    ]


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path, fleet: Fleet) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("pipe", "."):
        with pytest.raises(SettingsError, match="is no file"):
            secret_reader(fleet)(SecretRef("file", str(tmp_path / name)))


def test_a_path_that_leads_through_a_file_is_refused_in_words(tmp_path: Path, fleet: Fleet) -> None:
    secret_file(tmp_path, b"hush")
    with pytest.raises(SettingsError, match="cannot be read: Not a directory"):
        secret_reader(fleet)(SecretRef("file", f"{tmp_path}/secret/deeper"))
