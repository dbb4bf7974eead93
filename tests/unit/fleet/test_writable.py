"""Files of this machine that others can change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from core.errors import HostKeyError, SettingsError
from core.fleet import SecretRef, Server, SshLogin
from ops import writable
from ops.fleetfile import examine, load_fleet, secret_reader
from ops.people.local_users import group_name, members_of
from ops.ssh.keys import pinned_keys
from ops.writable import why_writable

if TYPE_CHECKING:
    from pathlib import Path

    from core.fleet import Fleet

UNKNOWN_GROUP = 3_999_998


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with a file in it, both of which are ours alone."""
    found = tmp_path / "etc" / "sharpnet"
    found.mkdir(parents=True)
    (found / "file").write_text("x")
    for path in (found.parent, found, found / "file"):
        path.chmod(0o755)
    return found


def test_what_only_we_can_write_is_fine_also_below_a_sticky_folder(folder: Path) -> None:
    assert why_writable(str(folder / "file")) is None
    folder.parent.chmod(0o1777)
    assert why_writable(str(folder / "file")) is None


@pytest.mark.parametrize("mode", [0o646, 0o606, 0o602, 0o1646])
def test_a_file_that_everybody_can_write_is_said_with_what_to_type(folder: Path, mode: int) -> None:
    (folder / "file").chmod(mode)
    found = why_writable(str(folder / "file"))
    assert found is not None
    assert (found.message, found.serious) == (f"can be changed by everybody (mode {mode:04o})", True)
    assert found.hint == f"Type: chmod o-w {folder / 'file'}"


@pytest.mark.parametrize("up", [0, 1])
def test_so_is_each_folder_on_the_way_to_it(folder: Path, up: int) -> None:
    open_one = [folder, folder.parent][up]
    open_one.chmod(0o777)
    found = why_writable(str(folder / "file"))
    assert found is not None
    assert found.message == f"lies in {open_one}, which can be changed by everybody (mode 0777)"
    assert found.hint == f"Type: chmod o-w {open_one}"


def test_so_is_the_folder_of_a_link_on_the_way_and_of_what_it_leads_to(folder: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "relative").symlink_to("../etc/sharpnet")
    (tmp_path / "link").symlink_to(links / "relative")
    path = str(tmp_path / "link" / "file")
    assert why_writable(path) is None
    for open_one in (links, folder):
        open_one.chmod(0o777)
        found = why_writable(path)
        assert found is not None
        assert f"lies in {open_one}, which" in found.message
        open_one.chmod(0o755)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert why_writable(str(tmp_path / "a")) is None


def test_what_is_not_there_lies_in_folders_all_the_same(folder: Path) -> None:
    assert why_writable(str(folder / "nothing")) is None
    folder.chmod(0o777)
    assert why_writable(str(folder / "nothing")) is not None


@pytest.mark.parametrize(
    ("members", "why"),
    [
        (frozenset(), None),
        (frozenset({0, os.geteuid()}), None),
        (frozenset({0, 4711}), "can be changed by the group"),
        (None, "can be changed by the group"),
    ],
    ids=["nobody", "only who may anyway", "somebody else", "a group that the machine does not know"],
)
def test_a_group_counts_unless_nobody_else_is_in_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, members: frozenset[int] | None, why: str | None
) -> None:
    monkeypatch.setattr(writable, "members_of", lambda _gid: members)
    file = folder / "file"
    file.chmod(0o664)
    found = why_writable(str(file))
    if why is None:
        assert found is None
    else:
        assert found is not None
        assert (why in found.message, found.serious, found.hint) == (True, True, f"Type: chmod g-w {file}")


def test_where_an_access_list_is_the_group_counts_whoever_is_in_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writable, "members_of", lambda _gid: frozenset())
    monkeypatch.setattr(writable.os, "listxattr", lambda _path: ["user.note", "system.posix_acl_access"])
    assert why_writable(str(folder / "file")) is None
    (folder / "file").chmod(0o664)
    found = why_writable(str(folder / "file"))
    assert found is not None
    assert "can be changed by the group" in found.message


def test_somebody_elses_file_or_folder_is_a_warning(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writable, "ROOT", -1)
    monkeypatch.setattr(writable.os, "geteuid", lambda: 4711)
    found = why_writable(str(folder / "file"))
    assert found is not None
    assert (found.message.endswith(", who can change it"), found.serious) == (True, False)
    assert found.hint.startswith("Type: chown 4711 /")
    (folder / "file").chmod(0o666)
    assert (found := why_writable(str(folder / "file"))) is not None
    assert found.serious


def test_who_is_in_a_group_is_known_by_name_and_by_login() -> None:
    root = members_of(0)
    assert root is not None
    assert 0 in root
    assert members_of(UNKNOWN_GROUP) is None
    assert group_name(UNKNOWN_GROUP) == str(UNKNOWN_GROUP)


def test_a_fleet_file_that_others_can_write_is_refused_with_everything_else_that_is_wrong(folder: Path) -> None:
    path = folder / "app.yaml"
    path.write_text("fleet: one\n")
    folder.chmod(0o777)
    said = [problem.said("app.yaml") for problem in examine(path)[1]]
    assert (
        f"app.yaml:1: lies in {folder}, which can be changed by everybody (mode 0777). Type: chmod o-w {folder}" in said
    )
    assert any("servers" in line for line in said)
    with pytest.raises(SettingsError):
        load_fleet(path)


def test_a_secret_below_a_folder_that_others_can_write_is_not_read(folder: Path, fleet: Fleet) -> None:
    (folder / "file").chmod(0o600)
    secret = SecretRef("file", str(folder / "file"))
    assert secret_reader(fleet)(secret) == "x"
    folder.chmod(0o777)
    with pytest.raises(SettingsError, match="can be changed by everybody") as refused:
        secret_reader(fleet)(secret)
    assert refused.value.hint == f"Type: chmod o-w {folder}"


def test_host_keys_that_others_can_write_are_not_believed(folder: Path) -> None:
    known = folder / "known_hosts"
    known.write_text("")
    known.chmod(0o666)
    login = SshLogin("ops", 22, SecretRef("file", "/keys/bot"), str(known))
    with pytest.raises(HostKeyError, match="can be changed by everybody") as refused:
        pinned_keys(Server("north", "Northville", login, "192.0.2.1"))
    assert refused.value.hint == f"Type: chmod o-w {known}"
