"""`sync --verify` on real servers: what differs, and whether it should; nothing is changed on either side."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sync.harness import WHO, empty, tree_at

from core.fleet import Database, SyncPolicy
from core.reply import Tone
from core.verify.compare import PathVerdict
from jobs.sync.serving import serving_known
from jobs.verify import JOB, verify_by_clock, verify_sites
from jobs.verify import one as one_proof

if TYPE_CHECKING:
    from pathlib import Path

    from sync.harness import Rig

    from core.fleet import Site
    from core.verify.compare import Proof

pytestmark = pytest.mark.xdist_group("verify")


async def proof_of(rig: Rig, site: Site) -> Proof:
    return (await verify_sites(rig.ports, [site], WHO))[0]


def wrong(proof: Proof) -> dict[str, PathVerdict]:
    return {one.change.shown: one.finding for one in proof.wrong}


def spoil(path: Path, text: bytes) -> None:
    """Write other bytes under the same size and time."""
    before = path.stat()
    assert len(text) == before.st_size
    path.write_bytes(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("home", ["oslo", "lima"])
async def test_other_bytes_under_the_same_size_and_time_are_found_with_either_kind_of_key(rig: Rig, home: str) -> None:
    site = rig.take(home)
    rig.write(site, home, {"a/file": "12345678", "b": "same"})
    await rig.filled(site)
    assert (await proof_of(rig, site)).outcome == "good"
    spoil(rig.root(site, rig.mirror_of(site)) / "a/file", b"1234x678")
    before = tree_at(rig.root(site, "oslo")), tree_at(rig.root(site, "lima"))
    proof = await proof_of(rig, site)
    assert (proof.outcome, wrong(proof)) == ("differs", {"a/file": PathVerdict.SILENT})
    assert (tree_at(rig.root(site, "oslo")), tree_at(rig.root(site, "lima"))) == before


async def test_a_plain_sync_leaves_other_bytes_of_the_same_size_and_time_and_one_by_checksum_mends_them(
    rig: Rig,
) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"file": "12345678"})
    await rig.filled(site)
    spoil(rig.root(site, "lima") / "file", b"1234x678")
    await rig.say(f"sync {site.name}")
    assert (await proof_of(rig, site)).outcome == "differs"
    assert (await rig.say(f"sync {site.name} --checksum")).exit_code == 0
    assert (await proof_of(rig, site)).outcome == "good"
    assert rig.replaced(site, "lima")["file"] == b"1234x678"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take times as they are, so that a second is enough between what was before and what came after."""
    monkeypatch.setattr("core.verify.compare.SLACK_S", 0)


@pytest.mark.usefixtures("quick")
async def test_what_was_changed_at_the_source_since_the_copy_is_counted_and_not_wrong(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"edited": "before", "folder/gone": "x", "old/one": "1"})
    root = rig.root(site, "oslo")
    long_ago = time.time() - 9999
    for path in [root, *root.rglob("*")]:
        os.utime(path, (long_ago, long_ago))
    await asyncio.sleep(1.2)
    await rig.filled(site)
    await asyncio.sleep(1.2)
    rig.write(site, "oslo", {"edited": "after", "new": "n", "restored": "with an old time"})
    os.utime(root / "restored", (long_ago, long_ago))
    (root / "folder/gone").unlink()
    (root / "old").rename(root / "moved")
    proof = await proof_of(rig, site)
    assert (proof.outcome, wrong(proof)) == ("good", {})
    assert proof.since >= 5
    assert "changed since the last copy" in (await rig.say(f"sync {site.name} --verify")).title


@pytest.mark.usefixtures("quick")
async def test_what_somebody_did_on_the_mirror_is_wrong_while_the_source_stood_still(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", dict.fromkeys(("kept", "deleted", "written", "mode", "folder/own"), "content"))
    await asyncio.sleep(1.2)
    await rig.filled(site)
    await asyncio.sleep(1.2)
    mirror = rig.root(site, "lima")
    rig.write(site, "lima", {"written": "by hand", "folder/added": "x"})
    (mirror / "deleted").unlink()
    (mirror / "mode").chmod(0o600)
    proof = await proof_of(rig, site)
    assert wrong(proof) == {
        "written": PathVerdict.WRITTEN_THERE,
        "folder/added": PathVerdict.ONLY_THERE,
        "deleted": PathVerdict.MISSING,
        "mode": PathVerdict.ATTRIBUTES,
    }


async def test_what_is_excluded_is_not_compared(rig: Rig) -> None:
    site = rig.take(excluding=True)
    await rig.filled(site)
    rig.write(site, "lima", {"cache/own": "x", "note.tmp": "x"})
    assert (await proof_of(rig, site)).outcome == "good"


async def test_hostile_names_are_judged_like_others(rig: Rig) -> None:
    site = rig.take()
    names = ["-rf", "new\nline", 'quo\'te "and" $(id)', "pipe|=|x", "back\\slash\\#012"]
    rig.write(site, "oslo", dict.fromkeys(names, "12345678"))
    await rig.filled(site)
    for name in names:
        spoil(rig.root(site, "lima") / name, b"1234x678")
    proof = await proof_of(rig, site)
    assert {os.fsdecode(one.change.path): one.finding for one in proof.wrong} == dict.fromkeys(
        names, PathVerdict.SILENT
    )


async def test_a_copy_that_differs_is_one_card_until_a_later_proof_is_good(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {f"file-{number:03}": "12345678" for number in range(25)})
    await rig.filled(site)
    for number in range(25):
        spoil(rig.root(site, "lima") / f"file-{number:03}", b"1234x678")
    key = f"proof:{site.name}>lima"
    reply = await rig.say(f"sync {site.name} --verify")
    assert (reply.exit_code, reply.tone) == (1, Tone.BAD)
    card = await rig.ports.store.cards.get(key)
    assert card is not None
    assert "25 paths" in card.reply.title
    table = next(part for part in card.reply.parts if hasattr(part, "rows"))
    assert (len(table.rows), table.left_out) == (20, 5)
    lines = [button.line for button in card.reply.buttons]
    assert lines == [f"sync {site.name} --to lima --checksum", f"sync {site.name} --to lima --verify"]
    for line in lines:
        await rig.say(line)
    mended = await rig.ports.store.cards.get(key)
    assert mended is not None
    assert mended.reply.tone is Tone.GOOD


async def test_what_came_of_a_proof_is_kept_and_on_record(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    await rig.say(f"sync {site.name} --verify")
    assert (await rig.ports.store.proofs.last())[site.name, "lima"].outcome == "good"
    assert (await rig.ports.store.record.entries(subject=site.name))[-1].kind == "proof.good"


async def test_a_site_that_a_sync_holds_is_refused_to_people(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    now = rig.ports.clock.now()
    await rig.ports.store.claims.take([f"site:{site.name}"], "K7Q2", "a cutover", now, None)
    reply = await rig.say(f"sync {site.name} --verify")
    assert reply.exit_code == 3
    assert "a cutover (K7Q2) works on it" in reply.title


async def test_the_clock_waits_for_whoever_holds_the_site(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    site = await rig.filled(rig.take())
    monkeypatch.setattr(one_proof, "LOOK_EVERY_S", 0.05)
    claims, now = rig.ports.store.claims, rig.ports.clock.now()
    await claims.take([f"site:{site.name}"], "K7Q2", "a cutover", now, None)
    waiting = asyncio.Event()
    serving = await serving_known(rig.ports)
    asked = one_proof.VerifyRequest(WHO, timedelta(minutes=1))

    def on_step(step: str) -> None:
        if step == "waiting for a cutover":
            waiting.set()

    proving = asyncio.create_task(one_proof.prove(rig.ports, site, "lima", asked, serving, on_step))
    await waiting.wait()
    await claims.release("K7Q2")
    assert (await proving).outcome == "good"


async def test_the_record_names_the_first_paths_and_the_proof_all(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {f"file-{number:03}": "12345678" for number in range(30)})
    await rig.filled(site)
    for number in range(30):
        spoil(rig.root(site, "lima") / f"file-{number:03}", b"1234x678")
    await proof_of(rig, site)
    run = (await rig.ports.store.proofs.last())[site.name, "lima"]
    entry = (await rig.ports.store.record.entries(subject=site.name))[-1]
    assert (len(run.body["paths"]), len(entry.body["paths"])) == (30, 20)  # type: ignore[arg-type]


async def test_a_path_that_was_copied_while_it_was_compared_is_not_called_wrong(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"file": "content", "other": "12345678"})
    await rig.filled(site)
    (rig.root(site, "lima") / "file").unlink()
    spoil(rig.root(site, "lima") / "other", b"1234x678")
    compare = one_proof.compare

    async def and_then_sync(*arguments: object) -> object:
        compared = await compare(*arguments)  # type: ignore[arg-type]
        await rig.filled(site)
        return compared

    monkeypatch.setattr(one_proof, "compare", and_then_sync)
    assert wrong(await proof_of(rig, site)) == {"other": PathVerdict.SILENT}


async def test_a_copy_that_was_never_made_has_nothing_to_prove(rig: Rig) -> None:
    reply = await rig.say(f"sync {rig.take().name} --verify")
    assert reply.exit_code == 3
    assert "no good copy on lima yet" in reply.title


async def test_an_emptied_source_proves_nothing(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    empty(rig.root(site, "oslo"))
    proof = await proof_of(rig, site)
    assert proof.trouble is not None
    assert (proof.outcome, proof.trouble.code) == ("refused", "source-empty")


async def test_more_differences_than_are_judged_prove_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    site = rig.take()
    await rig.filled(site)
    rig.write(site, "oslo", {f"new-{number}": "x" for number in range(9)})
    for module in ("ops.rsync.verify", "jobs.verify.one"):
        monkeypatch.setattr(f"{module}.MOST_JUDGED", 5)
    proof = await proof_of(rig, site)
    assert proof.trouble is not None
    assert (proof.outcome, proof.trouble.code) == ("failed", "too-different")


async def test_databases_are_said_not_to_be_compared(rig: Rig) -> None:
    site = replace(await rig.filled(rig.take()), databases=(Database("mariadb", "shop"),))
    assert "1 database was not compared" in str((await rig.with_sites(site).say(f"sync {site.name} --verify")).parts)


async def test_the_clock_proves_a_share_of_the_copies_longest_ago_first(rig: Rig) -> None:
    sites = [await rig.filled(rig.take()) for _ in range(4)]
    fleet = {site.name: site for site in sites}
    ports = replace(rig.ports, fleet=replace(rig.ports.fleet, sites=fleet, sync=SyncPolicy(verify=0.5)))
    await ports.store.copies.quarantine([(sites[0].name, "lima")], "left", ports.clock.now(), WHO)
    assert list(JOB.triggers(ports.fleet))
    proven = []
    for _ in range(2):
        before = await ports.store.proofs.last()
        await verify_by_clock(ports, "weekly", ports.clock.now())
        after = await ports.store.proofs.last()
        proven.append({pair[0] for pair, run in after.items() if run != before.get(pair)})
    assert proven[0] == {sites[1].name, sites[2].name}
    assert sites[3].name in proven[1]
    assert sites[0].name not in proven[1]
