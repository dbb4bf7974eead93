"""What `check --live` says of rights that are lacking."""

from __future__ import annotations

import pytest

from core.failure import Failure, FailureCode
from core.fleet import Site
from core.status.rights import Lacking, rights_findings

FOREIGN = Failure(FailureCode.FOREIGN_OWNER, "it holds files of other users", "Give it rights.")
UNREADABLE = Failure(FailureCode.SOURCE_UNREADABLE, "it has files that cannot be read", "Exclude them.")
NO_PARENT = Failure(FailureCode.NO_PARENT, "the folder is missing", "Make it.")


def site(name: str, *exclude: str, home: str = "oslo") -> Site:
    return Site(name, home, ("lima",), (name,), f"/srv/www/{name}", exclude=exclude)


def said(sites: list[Site], lacking: Lacking, server: str = "oslo") -> list[tuple[bool, bool, str]]:
    found = rights_findings("rights of web on oslo", server, sites, lacking)
    assert {finding.what for finding in found} == {"rights of web on oslo"}
    return [(finding.ok, finding.warning, finding.why) for finding in found]


def test_a_user_who_lacks_nothing_is_said_to_have_what_so_many_sites_need() -> None:
    assert said([site("a"), site("b")], Lacking({})) == [(True, False, "for 2 sites")]


def test_what_is_lacking_is_said_once_with_the_first_site_and_how_many_more() -> None:
    lacking = Lacking({"b": FOREIGN, "c": FOREIGN, "d": UNREADABLE})
    assert said([site(name) for name in "abcd"], lacking) == [
        (False, False, "b and 1 more: it holds files of other users"),
        (False, False, "d: it has files that cannot be read"),
    ]
    hints = [finding.hint for finding in rights_findings("x", "oslo", [site("b")], lacking)]
    assert hints == ["Give it rights."]


def test_what_cannot_be_read_is_a_warning_where_the_site_leaves_some_out_and_a_fault_where_it_does_not() -> None:
    sites = [site("a", "cache/"), site("b")]
    assert said(sites, Lacking({"a": UNREADABLE, "b": UNREADABLE})) == [
        (True, True, "a: it has files that cannot be read"),
        (False, False, "b: it has files that cannot be read"),
    ]


@pytest.mark.parametrize(("server", "found"), [("oslo", (False, False, "a: the folder is missing")), ("lima", None)])
def test_a_missing_folder_is_a_fault_at_home_and_none_before_the_first_copy(
    server: str, found: tuple[bool, bool, str] | None
) -> None:
    assert said([site("a")], Lacking({"a": NO_PARENT}), server) == [found or (True, False, "for 1 site")]


def test_sites_that_could_not_be_looked_at_are_said_beside_what_was_found() -> None:
    assert said([site("a"), site("b"), site("c")], Lacking({"a": FOREIGN}, not_asked=2)) == [
        (False, False, "a: it holds files of other users"),
        (True, True, "2 sites of 3 could not be looked at"),
    ]
