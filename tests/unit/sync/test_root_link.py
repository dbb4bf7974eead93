"""A root that is a link is followed to a folder of the site's own, and to nobody else's."""

from __future__ import annotations

import pytest

from core.sync.root_link import RootLink, read_root_link, where_it_leads

ROOT = "/srv/www/garden/current"
SIBLING = "/srv/www/prairie/current"


def leads(within: str, *others: str, root: str = ROOT, own: bool = True) -> str | None:
    return where_it_leads(root, RootLink("/anywhere", within, own), others, ".sharpnet")


def test_into_its_own_releases_it_is_followed() -> None:
    assert leads("releases/42", SIBLING, "/srv/www/garden.old") == "/srv/www/garden/releases/42"


def test_to_a_folder_beside_it_in_the_folder_that_all_sites_share_it_is_followed() -> None:
    assert leads("garden.away", "/srv/www/prairie", root="/srv/www/garden") == "/srv/www/garden.away"


@pytest.mark.parametrize(
    ("root", "within", "other"),
    [
        ("/srv/www/garden", "prairie", "/srv/www/prairie"),
        ("/srv/www/garden", "prairie/private", "/srv/www/prairie"),
        ("/srv/www/garden", "prairie", "/srv/www/prairie/current"),
        ("/srv/www/garden", "prairie/releases/7", "/srv/www/prairie/current"),
        ("/srv/garden", "www/prairie.backup", "/srv/www/prairie"),
    ],
)
def test_to_what_is_another_sites_it_is_not_followed(root: str, within: str, other: str) -> None:
    assert leads(within, "/srv/elsewhere/x", other, root=root) is None


def test_a_link_that_somebody_else_could_have_made_is_not_followed() -> None:
    assert leads("releases/42", own=False) is None


@pytest.mark.parametrize("within", ["", ".sharpnet/garden-1/replaced/x", ".sharpnet"])
def test_out_of_the_folder_around_it_and_into_what_is_not_served_it_is_not_followed(within: str) -> None:
    assert leads(within) is None


def test_a_site_that_lies_around_its_own_releases_is_not_another_ones() -> None:
    assert leads("releases/42", "/srv/www/garden.old/x", "/srv/www/other") == "/srv/www/garden/releases/42"


def test_what_a_server_says_of_a_link_is_read() -> None:
    assert read_root_link(b"/srv/a\0a\0own\0") == RootLink("/srv/a", "a", own=True)
    assert read_root_link(b"/etc\0\0\0") == RootLink("/etc", "", own=False)
    assert read_root_link(b"") is None
