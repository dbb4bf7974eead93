"""Keys between servers that are limited to the sites' roots, by docs/sharpnet-peer on real servers."""

from __future__ import annotations

import shlex
import shutil
from typing import TYPE_CHECKING

import pytest
from sync.customer import release
from sync.harness import many_sites, tree_at

from core.failure import FailureCode
from ops.gather.live_check import ssh_findings
from ops.rsync.peer import remote_shell, ssh_words

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from sync.harness import Change, Rig

    from core.fleet import Site

ODD = ("a b", "back\\slash", "quo'te", "dol$lar", "a . b")


def by_roots(tree: dict[str, Any]) -> None:
    """Limit the keys that read from Oslo to the roots, and give it roots with odd names."""
    many_sites(tree)
    tree["servers"]["oslo"]["peer"]["limited_to"] = "roots"
    for number, name in enumerate(ODD):
        tree["sites"][f"odd-{number}.ski.example"] = {
            "home": "oslo",
            "mirrors": ["lima"],
            "names": [f"odd-{number}.ski.example"],
            "root": f"/srv/{{server}}/www/{name}",
        }


@pytest.fixture(scope="module")
def fleet_change() -> Change:
    """Return how the fleet file is altered before the lab comes up."""
    return by_roots


async def typed(rig: Rig, command: str, *, stdin: bytes = b"") -> tuple[int, str]:
    """Have somebody type it on Lima, with all that Lima has; E is the key, A is Oslo."""
    oslo, lima = (rig.ports.fleet.servers[name] for name in ("oslo", "lima"))
    ssh = shlex.join([*ssh_words(oslo, lima, None), "--", oslo.address])
    line = f'E={shlex.quote(remote_shell(oslo, lima, None))}; A={oslo.address}; S() {{ {ssh} "$@"; }}; {command}'
    ran = await rig.ports.ssh.run("lima", f"exec sh -c {shlex.quote(line)}", timeout_s=60, stdin=stdin)
    return ran.exit_code, ran.out.decode(errors="replace")


def secret_beside(rig: Rig, site: Site) -> Path:
    """Put what the bot keeps beside the roots."""
    kept = rig.root(site, "oslo").parent / ".sharpnet" / "dump.sql"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("SECRET")
    kept.chmod(0o644)
    return kept


@pytest.mark.parametrize("number", range(len(ODD)), ids=list(ODD))
async def test_a_site_is_copied_whatever_its_root_is_called(rig: Rig, number: int) -> None:
    site = rig.ports.fleet.sites[f"odd-{number}.ski.example"]
    rig.write(site, "oslo", {"index.html": "hello", "sub/page.html": "there"})
    await rig.filled(site)
    assert rig.same(site)


async def test_all_that_reads_from_the_source_goes_through_such_a_key(rig: Rig) -> None:
    site = rig.take(excluding=True)
    rig.write(site, "oslo", {"index.html": "one", "cache/x": "left out"})
    await rig.filled(site)
    rig.write(site, "oslo", {"index.html": "two"})
    await rig.filled(site)
    assert (rig.root(site, "lima") / "index.html").read_text() == "two"
    assert not (rig.root(site, "lima") / "cache").exists()
    assert (await rig.say(f"sync {site.name} --dry-run")).exit_code == 0
    assert (await rig.say(f"sync {site.name} --verify")).exit_code == 0
    assert (await rig.say("sync --all")).exit_code == 0


async def test_a_site_that_the_key_does_not_know_yet_is_said_to_be_out_of_its_limit(rig: Rig) -> None:
    site = rig.take()
    listed = rig.lab.host("oslo").folder / "peer-roots"
    before = listed.read_text()
    listed.write_text("".join(line for line in before.splitlines(keepends=True) if site.name not in line))
    try:
        trouble = (await rig.sync(site)).trouble
    finally:
        listed.write_text(before)
    assert trouble is not None
    assert trouble.code == FailureCode.LIMITED_KEY


@pytest.mark.parametrize(
    "command",
    [
        "S cat {kept}",
        "S </dev/null",
        "S 'rsync --version; cat {kept}'",
        "S 'rsync --server --sender -e.LsfxCIvu . {root}/ ; cat {kept}'",
        "rsync -a -e \"$E\" --rsync-path='cat {kept};' $A:{root}/ ~/got/",
        'rsync -a -e "$E" $A:{kept} ~/got/',
        'rsync -a -e "$E" $A:{folder}/ ~/got/',
        'rsync -a -e "$E" $A:{folder}/.sharpnet/ ~/got/',
        'rsync -a -e "$E" $A:{root}/../.sharpnet/ ~/got/',
        'rsync -a -e "$E" $A:{root}/ :{folder}/.sharpnet/ ~/got/',
        'rsync -a -e "$E" $A:{root}/ $A:.sharpnet/ ~/got/',
        'rsync -a -s -e "$E" $A:{folder}/.sharpnet/ ~/got/',
        'rsync -a -e "$E" $A:/etc/ ~/got/',
        'rsync -a -e "$E" $A:.sharpnet/ ~/got/',
        'rsync -aL -e "$E" $A:{root}/ ~/got/',
        "printf '../.sharpnet/dump.sql\\n' | rsync -a --files-from=- -e \"$E\" $A:{root}/ ~/got/",
        'rsync -a -e "$E" --old-args "$A:{folder}/.sharpnet/ . {root}/" ~/got/',
        "rsync -a -e \"$E\" $A:'{root}\n{folder}/.sharpnet/' ~/got/",
        "printf '.sharpnet/dump.sql\\n' | rsync -a --files-from=- -e \"$E\" $A:{folder}/ ~/got/",
    ],
)
async def test_the_key_reads_the_roots_and_nothing_else(rig: Rig, command: str) -> None:
    site = rig.ports.fleet.sites["oslo-1.ski.example"]
    root, kept = rig.root(site, "oslo"), secret_beside(rig, site)
    link = root / "link"
    link.unlink(missing_ok=True)
    link.symlink_to("../.sharpnet/dump.sql")
    there = {"root": site.root_on("oslo"), "folder": "/srv/oslo/www", "kept": f"/srv/oslo/www/.sharpnet/{kept.name}"}
    _, said = await typed(rig, f"rm -rf ~/got; {command.format(**there)} 2>&1; grep -rh . ~/got 2>/dev/null")
    assert "SECRET" not in said
    assert "root:" not in said


@pytest.mark.parametrize(
    "command",
    [
        'echo bad >~/bad; rsync -a -e "$E" ~/bad $A:{root}/',
        'rsync -a --remove-source-files -e "$E" $A:{root}/ ~/got/',
        'rsync -a -e "$E" --remote-option=--log-file={root}/bad $A:{root}/ ~/got/',
        'mkdir -p ~/empty; rsync -a --delete -e "$E" ~/empty/ $A:{root}/',
    ],
)
async def test_nothing_can_be_written_or_deleted_with_the_key(rig: Rig, command: str) -> None:
    site = rig.ports.fleet.sites["oslo-2.ski.example"]
    before = tree_at(rig.root(site, "oslo"))
    assert before
    await typed(rig, command.format(root=site.root_on("oslo")))
    assert tree_at(rig.root(site, "oslo")) == before


async def test_a_root_that_became_a_link_is_not_followed(rig: Rig) -> None:
    site = rig.take()
    root, kept = rig.root(site, "oslo"), secret_beside(rig, site)
    shutil.rmtree(root)
    root.symlink_to(".sharpnet")
    result = await rig.sync(site)
    assert result.outcome != "good"
    _, said = await typed(
        rig, f'rm -rf ~/got; rsync -a -e "$E" $A:{site.root_on("oslo")}/ ~/got/; cat ~/got/{kept.name}'
    )
    assert "SECRET" not in said


async def test_a_root_that_is_a_link_to_a_release_of_its_own_is_copied_from_there(rig: Rig) -> None:
    site = rig.ports.fleet.sites["odd-0.ski.example"]
    rig.write(site, "oslo", {"index.html": "release 42"})
    release(rig, site, "oslo")
    await rig.filled(site)
    assert (rig.root(site, "lima") / "index.html").read_text() == "release 42"
    rig.write(site, "oslo", {"index.html": "release 42, mended"})
    await rig.filled(site)
    assert (rig.root(site, "lima") / "index.html").read_text() == "release 42, mended"
    assert (await rig.say(f"sync {site.name} --verify")).exit_code == 0


@pytest.mark.parametrize("to", ["{sibling}", "../www/{sibling}", "/srv/oslo/www/{sibling}", "{own}.link", "..", "."])
async def test_a_root_that_is_any_other_link_is_not_followed(rig: Rig, to: str) -> None:
    site, sibling = rig.take(), rig.take()
    rig.write(sibling, "oslo", {"db-password.php": "SECRET"})
    root = rig.root(site, "oslo")
    root.rename(root.with_name(f"{root.name}.away"))
    root.with_name(f"{root.name}.link").symlink_to(rig.root(sibling, "oslo").name)
    root.symlink_to(to.format(sibling=rig.root(sibling, "oslo").name, own=root.name))
    assert (await rig.sync(site)).outcome != "good"
    asked = f'rm -rf ~/got; rsync -a -e "$E" $A:{site.root_on("oslo")}/ ~/got/; grep -rh . ~/got'
    assert "SECRET" not in (await typed(rig, asked))[1]


async def test_check_live_warns_of_a_shell_and_says_nothing_of_a_key_for_the_roots(rig: Rig) -> None:
    secret_beside(rig, rig.ports.fleet.sites["oslo-1.ski.example"])
    found = {one.what: one for one in await ssh_findings(rig.ports.ssh, rig.ports.fleet)}
    # What other tests have left in the roots of this lab is said as well.
    assert [what for what, one in found.items() if not (one.ok or what.startswith("rights of "))] == []
    # Lima lets the others in as app.yaml says: without a limit.
    assert found["oslo reading from lima"].warning
    assert "opens a shell on lima" in found["oslo reading from lima"].why
    assert "sites' roots" in found["oslo reading from lima"].hint
    assert not found["lima reading from oslo"].warning


async def test_check_live_warns_of_a_key_that_reads_what_is_kept(own_rig: Rig) -> None:
    secret_beside(own_rig, own_rig.ports.fleet.sites["oslo-1.ski.example"])
    found = {one.what: one for one in await ssh_findings(own_rig.ports.ssh, own_rig.ports.fleet)}
    assert found["lima reading from oslo"].warning
    assert "/srv/oslo/www/.sharpnet" in found["lima reading from oslo"].why
