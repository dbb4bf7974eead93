"""A real WordPress in the lab: set up by its own installer, written to as an editor does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lab import Lab, LabError, real_content
from lab.wordpress import WordPress

if TYPE_CHECKING:
    from pathlib import Path

    from lab.small_fleet import SmallFleet

SITE = "fjord.example"


def with_database(tree: dict[str, Any]) -> None:
    own = {"engine": "mariadb", "name": "blog", "user": "blog", "password": "env:BLOG_PASSWORD"}
    tree["sites"][SITE]["databases"] = [own]


def test_a_wordpress_shows_its_posts_and_keeps_them_when_its_server_is_killed(
    tmp_path: Path, small_fleet: SmallFleet
) -> None:
    with Lab(small_fleet(tmp_path, with_database), tmp_path / ".lab", with_php=[SITE]) as lab:
        wordpress = WordPress(lab, SITE)
        wordpress.install()
        number = wordpress.post("oslo", "A title", "Words of a post: æøå")
        path = wordpress.upload("oslo", "a.txt", b"an upload")
        lab.drop("oslo")
        lab.back("oslo")
        assert "Words of a post: æøå" in wordpress.page("oslo", f"/?p={number}")
        assert f"Welcome to {SITE}" in wordpress.page("oslo")
        assert path.startswith("wp-content/uploads/")
        assert lab.path_on("oslo", f"/srv/oslo/www/{SITE}/{path}").read_bytes() == b"an upload"
        assert (
            lab.sql("oslo", "mariadb", "blog", "SELECT max(post_title) FROM wp_posts WHERE post_title = 'A title'")
            == "A title\n"
        )


def test_a_wordpress_without_a_login_for_its_database_is_refused(tmp_path: Path, small_fleet: SmallFleet) -> None:
    def without_login(tree: dict[str, Any]) -> None:
        tree["sites"][SITE]["databases"] = [{"engine": "mariadb", "name": "blog"}]

    with (
        Lab(small_fleet(tmp_path, without_login), tmp_path / ".lab") as lab,
        pytest.raises(LabError, match="needs a user and a password"),
    ):
        WordPress(lab, SITE)


@pytest.mark.parametrize("name", ["openjdk", "rust"])
def test_real_documentation_has_more_than_ten_thousand_files(name: str) -> None:
    assert sum(1 for path in real_content.documentation(name).rglob("*") if path.is_file()) > 10_000
