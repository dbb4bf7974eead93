"""The whole cycle on a real WordPress: posts are rows, uploads are files, and both come home or are kept aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from story.conftest import BLOG
from story.harness import Ledger

from core.audit import first_broken
from core.plan.plan import PlanState

if TYPE_CHECKING:
    from cutover.harness import Stage

    from lab import Lab
    from lab.wordpress import WordPress


def posts_by_database(lab: Lab, server: str) -> dict[str, set[str]]:
    """Return the titles of the posts that each database of a server has."""
    tables = "SELECT table_schema FROM information_schema.tables WHERE table_name = 'wp_posts'"
    return {
        name: set(lab.sql(server, "mariadb", name, "SELECT post_title FROM wp_posts").splitlines())
        for name in lab.sql(server, "mariadb", "", tables).split()
    }


@pytest.mark.timeout(300)
async def test_a_wordpress_moves_out_and_comes_home_without_losing_a_post_or_an_upload(
    blogging: tuple[Stage, WordPress],
) -> None:
    (stage, wordpress), lab = blogging, blogging[0].lab
    ledger = Ledger(stage)

    def upload(server: str, name: str, content: bytes) -> None:
        ledger.written.append((BLOG, wordpress.upload(server, name, content), content))

    first = wordpress.post("oslo", "Before anything", "Snow in the morning")
    upload("oslo", "first.txt", b"first picture")
    copied = await stage.say("sync --all")
    assert copied.exit_code == 0, copied
    assert "Snow in the morning" in wordpress.page("lima", f"/?p={first}")

    # Oslo's last seconds: nobody has a copy of this.
    wordpress.post("oslo", "Last words", "Only Oslo has this row")
    upload("oslo", "last.txt", b"only oslo has this picture")
    lab.drop("oslo")
    plan = await stage.plan("failover oslo")
    assert (await stage.say(f"approve {plan}")).exit_code == 0
    assert stage.all_answer(BLOG, "lima")

    second = wordpress.post("lima", "Written in Lima", "While Oslo was away")
    upload("lima", "second.txt", b"second picture")

    lab.back("oslo")
    assert "Last words" in posts_by_database(lab, "oslo")["blog"]
    assert (await stage.say(f"sync {BLOG}")).exit_code == 3
    shown = await stage.say("failback oslo")
    assert "last.txt" in str(shown)
    assert "blog" in str(shown)
    assert "Last words" in posts_by_database(lab, "oslo")["blog"]

    taken = await stage.say(f"failback {BLOG} --take-active")
    assert taken.exit_code == 0, taken
    third = wordpress.post("lima", "Before going home", "Written after the choice")
    home = await stage.plan(f"failback {BLOG}")
    assert (await stage.say(f"approve {home}")).exit_code == 0
    assert await stage.state_of(home) == PlanState.CONFIRMED
    assert stage.all_answer(BLOG, "oslo")

    for number, text in ((first, "Snow"), (second, "While Oslo was away"), (third, "Written after the choice")):
        assert text in wordpress.page("oslo", f"/?p={number}")
    assert ledger.all_of(BLOG) == ledger.served_by(BLOG, "oslo") | ledger.kept_aside(BLOG)
    assert ledger.kept_aside(BLOG) >= {(path, text) for _, path, text in ledger.written if b"only oslo" in text}
    posts = posts_by_database(lab, "oslo")
    assert "Last words" not in posts["blog"]
    aside = [name for name, titles in posts.items() if name != "blog" and "Last words" in titles]
    assert len(aside) == 1, posts
    assert aside[0] in str(taken.facts)
    listed = await stage.say(f"sync {BLOG} --runs")
    assert listed.facts is not None
    assert [run["server"] for run in listed.facts["runs"]] == ["oslo"]  # type: ignore[attr-defined]
    assert wordpress.post("oslo", "At home again", "It takes posts") > third
    assert first_broken(await stage.ports.store.record.entries()) is None
