"""Which names in a repository a server may read, begin and list; whatever restic does not write is none of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backup.repository_access import Access, RepositoryAccess, final_name

ID = "ab" * 32
ADD = RepositoryAccess("/srv/vault/servers/uk", Access.ADD)
READ = RepositoryAccess("/srv/vault/servers/uk", Access.READ)
OUTSIDE = [
    "/srv/vault",
    "/srv/vault/servers/us/config",
    "/srv/vault/servers/uk2/config",
    "/srv/vault/servers/uk/../us/config",
    "/srv/vault/servers/uk/data/../../us/config",
    "/srv/vault/servers/uk//config",
    "/srv/vault/servers/uk/./config",
    "/srv/vault/servers/uk/",
    "/srv/vault/servers/uk/config/",
    "/srv/vault/servers/uk/config\n",
    "/srv/vault/servers/uk/config\0",
    "/srv/vault/servers/uk/.ssh/authorized_keys",
    "/home/sharpnet/.ssh/authorized_keys",
    ".ssh/authorized_keys",
    "srv/vault/servers/uk/config",
    "",
    "/",
    f"/srv/vault/servers/uk/data/{ID}",
    f"/srv/vault/servers/uk/data/cd/{ID}",
    f"/srv/vault/servers/uk/snapshots/{ID[:-1]}",
    f"/srv/vault/servers/uk/snapshots/{ID}0",
    f"/srv/vault/servers/uk/snapshots/{ID.upper()}",
    f"/srv/vault/servers/uk/other/{ID}",
]


def may(allowed: RepositoryAccess, path: str) -> set[str]:
    name = allowed.name_of(path.encode())
    if name is None:
        return set()
    asked = {
        "look": allowed.may_look,
        "list": allowed.may_list,
        "read": allowed.may_read,
        "begin": allowed.may_begin,
        "make": allowed.may_make,
    }
    return {word for word, ask in asked.items() if ask(name)}


@pytest.mark.parametrize("path", OUTSIDE)
def test_what_restic_never_names_is_not_even_looked_at(path: str) -> None:
    for allowed in (ADD, READ):
        assert may(allowed, path) == set()
        assert may(allowed, f"{path}-restic-temp-0123") == set()


@pytest.mark.parametrize("name", ["config", f"keys/{ID}", f"snapshots/{ID}", f"index/{ID}", f"locks/{ID}"])
def test_a_file_of_the_repository_may_be_read_and_never_begun_by_its_own_name(name: str) -> None:
    assert may(ADD, f"{ADD.path}/{name}") == may(READ, f"{READ.path}/{name}") == {"look", "read"}


@pytest.mark.parametrize("name", [f"snapshots/{ID}", f"index/{ID}", f"locks/{ID}", f"data/ab/{ID}"])
def test_a_new_file_is_begun_under_a_name_for_the_time_of_writing_where_adding_is_allowed(name: str) -> None:
    unfinished = f"{name}-restic-temp-0123abcd"
    assert may(ADD, f"{ADD.path}/{unfinished}") == {"look", "begin"}
    assert may(READ, f"{READ.path}/{unfinished}") == {"look"}
    assert final_name(unfinished.encode()) == name.encode()


@pytest.mark.parametrize("name", ["config", f"keys/{ID}"])
def test_keys_and_the_configuration_are_never_begun(name: str) -> None:
    assert may(ADD, f"{ADD.path}/{name}-restic-temp-0123") == set()


@pytest.mark.parametrize("name", ["", "/keys", "/locks", "/snapshots", "/index", "/data", "/data/ab"])
def test_folders_are_listed_and_made_where_adding_is_allowed_but_for_the_repository_itself(name: str) -> None:
    made = {"make"} if name else set()
    assert may(ADD, ADD.path + name) == {"look", "list"} | made
    assert may(READ, READ.path + name) == {"look", "list"}


@given(st.text("/.0123456789abcdefg-restictemp", max_size=120))
def test_no_name_that_leads_upwards_is_allowed_anything(text: str) -> None:
    for path in (f"{ADD.path}/../{text}", f"{ADD.path}/data/../{text}", f"/{text}/../{ADD.path}"):
        assert may(ADD, path) == set()
