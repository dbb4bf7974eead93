"""A mirror that loses its power while new content is put in place: what is served is the old or the new, never half."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sync.harness import contents_at, until

if TYPE_CHECKING:
    from sync.harness import Rig

FILES = 300
STOPS = {
    # The mirror exchanges both contents with Perl where mv cannot (coreutils before 9.5), and with mv where it can.
    "before the exchange": 'touch ~/there; sleep 30; exec {program} "$@"',
    "after the exchange": '{program} "$@"; status=$?; touch ~/there; sleep 30; exit $status',
}


def stop_at_exchange(rig: Rig, server: str, user: str, script: str) -> None:
    """Have the program that exchanges the contents wait, before or after it has: by the PATH of the SSH user."""
    home = rig.lab.path_on(server, f"/home/{user}")
    (home / "bin").mkdir()
    for name in ("perl", "mv"):
        there = script.format(program=f"/usr/bin/{name}")
        # All other uses of mv are renames, which are over before and after.
        only = 'case $1 in --exchange) ;; *) exec /usr/bin/mv "$@" ;; esac\n' if name == "mv" else ""
        old = "/usr/bin/mv --exchange --help >/dev/null 2>&1 || exit 1\n" if name == "mv" else ""
        (home / "bin" / name).write_text(f"#!/bin/sh\n{only}{old}{there}\n")
        (home / "bin" / name).chmod(0o755)
    (home / ".bashrc").write_text(f"PATH=/home/{user}/bin:$PATH\n")


@pytest.mark.parametrize("moment", STOPS)
async def test_a_mirror_that_loses_power_at_the_exchange_serves_one_content_whole_and_is_mended_by_the_next_run(
    own_rig: Rig, moment: str
) -> None:
    rig = own_rig
    site = rig.take()
    rig.write(site, "oslo", {f"part-{number}": "first" for number in range(FILES)})
    await rig.filled(site)
    root = rig.root(site, "lima")
    before = contents_at(root)
    rig.write(site, "oslo", {f"part-{number}": "second" for number in range(FILES)})
    stop_at_exchange(rig, "lima", "deploy", STOPS[moment])
    working = asyncio.create_task(rig.sync(site))
    await until((rig.lab.path_on("lima", "/home/deploy") / "there").exists)
    rig.lab.drop("lima")
    assert (await working).outcome == "failed"
    served = contents_at(root)
    after = contents_at(rig.root(site, "oslo"))
    assert served == (before if moment == "before the exchange" else after)
    rig.lab.path_on("lima", "/home/deploy/.bashrc").unlink()
    rig.lab.back("lima")
    # What a killed run has left is cleared away by the next one that copies.
    rig.write(site, "oslo", {"new": "third"})
    assert (await rig.sync(site)).outcome == "good"
    assert rig.same(site)
    assert set(rig.replaced(site, "lima").values()) == {b"first"}
    assert {path.name for path in rig.work(site, "lima").iterdir()} == {"lock", "replaced", "turn"}
