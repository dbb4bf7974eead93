"""`sync --undo` on real servers: what a run replaced or deleted comes back, and nothing else is touched."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from lapsed import let_leases_pass
from sync.harness import BOSS, WHO, contents_at, empty, tree_at

from commands import answer, split_line
from core.errors import RefusedError, UnreachableError, UsageError
from core.reply import Typed
from jobs.interrupted import report
from ops.durable.claimed import LEASE

if TYPE_CHECKING:
    from sync.harness import Rig

    from core.fleet import Site
    from core.reply import Reply

pytestmark = pytest.mark.xdist_group("undo")
FILES = {"edited": "before", "folder/gone": "gone", "folder/deep/too": "too", "stays": "stays"}


async def changed(rig: Rig, files: dict[str, str] = FILES, home: str = "oslo") -> tuple[Site, str]:
    """Give a site whose last run has replaced `edited` and deleted what lay in `folder`, and that run."""
    site = rig.take(home)
    rig.write(site, home, files)
    await rig.filled(site)
    root = rig.root(site, home)
    for name in files:
        if name.startswith("folder/"):
            (root / name).unlink()
    for folder in ("folder/deep", "folder"):
        if (root / folder).is_dir():
            (root / folder).rmdir()
    rig.write(site, home, {"edited": "afterwards"})
    return site, await run_of(rig, site)


async def run_of(rig: Rig, site: Site) -> str:
    """Copy the site, and name the run."""
    await rig.filled(site)
    return (await rig.ports.store.copies.last_good())[site.name, rig.mirror_of(site)].id


def held(rig: Rig, site: Site) -> dict[str, bytes | str | None]:
    return contents_at(rig.root(site, rig.mirror_of(site)))


def line_in(reply: Reply) -> str:
    """Return the last line that the reply says to type."""
    return [part.line for part in reply.parts if isinstance(part, Typed)][-1]


@pytest.mark.parametrize("home", ["oslo", "lima"])
async def test_what_a_run_replaced_and_deleted_comes_back_as_it_was(rig: Rig, home: str) -> None:
    site, run = await changed(rig, home=home)
    reply = await rig.say(f"sync --undo {run}")
    assert (reply.exit_code, reply.title) == (0, f"3 files of {site.name} put back on {rig.mirror_of(site)}")
    now = held(rig, site)
    assert (now["edited"], now["folder/gone"], now["folder/deep/too"]) == (b"before", b"gone", b"too")
    folder = rig.root(site, rig.mirror_of(site)) / "folder"
    assert folder.stat().st_mode & 0o777 == rig.root(site, home).stat().st_mode & 0o777 == 0o755
    assert (folder / "gone").stat().st_uid == (folder.parent / "stays").stat().st_uid
    assert "makes it like the served one again" in str(reply.parts)


async def test_undoing_the_undo_brings_back_what_the_run_had_made(rig: Rig) -> None:
    site, run = await changed(rig)
    before = held(rig, site)
    undone = await rig.say(f"sync --undo {run}")
    again = await rig.say(line_in(undone))
    assert again.exit_code == 0
    assert held(rig, site)["edited"] == before["edited"] == b"afterwards"


async def test_only_the_paths_that_were_named_come_back_and_a_folder_means_all_below(rig: Rig) -> None:
    site, run = await changed(rig)
    await rig.say(f"sync --undo {run} folder/deep/")
    now = held(rig, site)
    assert (now["edited"], now["folder/deep/too"]) == (b"afterwards", b"too")
    assert "folder/gone" not in now


async def test_a_dry_run_lists_what_is_kept_and_changes_nothing(rig: Rig) -> None:
    site, run = await changed(rig)
    before = tree_at(rig.root(site, "lima"))
    reply = await rig.say(f"sync --undo {run} --dry-run")
    assert reply.facts is not None
    assert [one["path"] for one in reply.facts["paths"]] == ["edited", "folder/deep/too", "folder/gone"]  # type: ignore[attr-defined]
    assert tree_at(rig.root(site, "lima")) == before
    assert (await rig.say(reply.buttons[0].line)).exit_code == 0
    assert held(rig, site)["edited"] == b"before"


async def test_the_runs_of_a_site_are_listed_with_what_they_did_and_keep(rig: Rig) -> None:
    site, run = await changed(rig)
    await rig.say(f"sync --undo {run} edited")
    reply = await rig.say(f"sync {site.name} --runs")
    assert reply.facts is not None
    newest, oldest = reply.facts["runs"]  # type: ignore[misc]
    assert (newest["did"], newest["files"]) == (f"put back from {run}", 1)
    assert (oldest["run"], oldest["server"], oldest["files"]) == (run, "lima", 3)
    assert "copied, 2 deleted" in oldest["did"]
    assert (await rig.say(line_in(reply))).exit_code == 0


async def test_hostile_names_come_back(rig: Rig) -> None:
    names = ["-rf", "new\nline", 'quo\'te "and" $(id) `id`', "back\\slash\\0101", "trailing\n", "a|b"]
    site = rig.take()
    root = rig.root(site, "oslo")
    rig.write(site, "oslo", dict.fromkeys(names, "before"))
    (root / os.fsdecode(b"latin-\xe9")).write_text("before")
    await rig.filled(site)
    for name in [*names, os.fsdecode(b"latin-\xe9")]:
        (root / name).write_text("afterwards")
    run = await run_of(rig, site)
    await answer(["sync", "--undo", run, "--", *names[:3]], BOSS, "terminal", rig.ports)
    assert [held(rig, site)[name] for name in names] == [b"before"] * 3 + [b"afterwards"] * 3
    await answer(["sync", "--undo", run, *names[3:], os.fsdecode(b"latin-\xe9")], BOSS, "terminal", rig.ports)
    assert {held(rig, site)[name] for name in [*names, os.fsdecode(b"latin-\xe9")]} == {b"before"}


@pytest.mark.parametrize("path", ["../other", "/etc/passwd", "folder/../../x", "."])
async def test_a_path_out_of_the_root_is_refused(rig: Rig, path: str) -> None:
    with pytest.raises(UsageError, match="no path below the site's root"):
        await rig.say(f"sync --undo 20260101T000000Z-abcd {path}")


async def test_a_link_that_has_taken_a_folders_place_is_not_followed(rig: Rig) -> None:
    site, run = await changed(rig)
    elsewhere = rig.lab.path_on("lima", "/srv/lima/elsewhere")
    elsewhere.mkdir(exist_ok=True)
    elsewhere.chmod(0o777)
    empty(elsewhere)
    root = rig.root(site, "lima")
    (root / "folder").symlink_to(elsewhere)
    reply = await rig.say(f"sync --undo {run}")
    assert reply.exit_code == 1
    assert list(elsewhere.iterdir()) == []
    assert (root / "folder").is_symlink()
    assert held(rig, site)["edited"] == b"before"
    assert reply.facts is not None
    assert reply.facts["behind_links"] == ["folder/deep/too", "folder/gone"]


async def test_a_file_and_a_folder_that_stand_in_the_way_are_kept_aside(rig: Rig) -> None:
    site, run = await changed(rig)
    root = rig.root(site, "lima")
    (root / "edited").unlink()
    rig.write(site, "lima", {"folder": "a file now", "edited/inside": "a folder now"})
    undone = await rig.say(f"sync --undo {run}")
    assert undone.exit_code == 0
    assert held(rig, site)["edited"] == b"before"
    assert held(rig, site)["folder/gone"] == b"gone"
    kept = rig.replaced(site, "lima")
    assert (kept["folder"], kept["edited/inside"]) == (b"a file now", b"a folder now")


async def test_an_undo_that_broke_off_goes_on_where_it_stopped(rig: Rig) -> None:
    _, run = await changed(rig)
    await rig.say(f"sync --undo {run} folder")
    reply = await rig.say(f"sync --undo {run}")
    assert reply.facts is not None
    assert (reply.facts["files"], reply.facts["same"]) == (3, 2)


async def test_an_undo_is_on_record_before_it_starts_and_when_it_ended(rig: Rig) -> None:
    site, run = await changed(rig)
    await rig.say(f"sync --undo {run} edited")
    begun, ended = (await rig.ports.store.record.entries(subject=site.name))[-2:]
    assert (begun.kind, ended.kind) == ("undo.begun", "undo.good")
    assert (begun.who, begun.body["undoes"], begun.body["paths"]) == (WHO, run, ["edited"])
    assert await rig.ports.store.claims.held() == ()


async def test_a_proof_says_that_something_was_put_back_since_the_copy(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that a second is enough between what was before the copy and what came after.
    monkeypatch.setattr("core.verify.compare.SLACK_S", 0)
    site, run = await changed(rig)
    await asyncio.sleep(1.2)
    await rig.filled(site)
    await rig.say(f"sync --undo {run} edited")
    proof = await rig.say(f"sync {site.name} --verify")
    assert "Something was put back there with `sync --undo`" in str(proof.parts)
    await rig.filled(site)
    assert (await rig.say(f"sync {site.name} --verify")).exit_code == 0


async def test_an_undo_whose_process_is_gone_is_reported_as_interrupted_once(rig: Rig) -> None:
    site, run = await changed(rig)
    record, now = rig.ports.store.record, rig.ports.clock.now()
    own = "20260101T000000Z-dead"
    body = {"run": own, "undoes": run, "server": "lima", "paths": []}
    await rig.ports.store.claims.take([f"site:{site.name}"], own, "an undo", now, LEASE)
    await record.add(now, "undo.begun", site.name, WHO, body)
    await report(rig.ports, "", now)
    assert (await record.entries(subject=site.name))[-1].kind == "undo.begun"
    await let_leases_pass(rig.ports.store)
    for _ in range(2):
        await report(rig.ports, "", now)
    kinds = [entry.kind for entry in await record.entries(subject=site.name)]
    assert (kinds[-1], kinds.count("undo.interrupted")) == ("undo.interrupted", 1)


async def test_what_the_user_there_may_not_write_is_said_and_left(rig: Rig) -> None:
    site, run = await changed(rig)
    root = rig.root(site, "lima")
    root.chmod(0o555)
    reply = await rig.say(f"sync --undo {run}")
    root.chmod(0o755)
    assert (reply.exit_code, held(rig, site)["edited"]) == (1, b"afterwards")
    assert "may not write on lima" in reply.title


async def test_a_server_that_is_gone_ends_the_undo_on_record_as_failed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, run = await changed(rig)

    async def lost(*_: object) -> None:
        raise UnreachableError("lima ended a command without saying how.")

    monkeypatch.setattr("ops.rsync.replaced.put_back", lost)
    with pytest.raises(UnreachableError):
        await rig.say(f"sync --undo {run}")
    assert (await rig.ports.store.record.entries(subject=site.name))[-1].kind == "undo.failed"
    assert await rig.ports.store.claims.held() == ()


async def test_a_site_that_a_cutover_holds_is_refused(rig: Rig) -> None:
    site, run = await changed(rig)
    await rig.ports.store.claims.take([f"site:{site.name}"], "K7Q2", "a cutover", rig.ports.clock.now(), None)
    with pytest.raises(RefusedError, match=r"a cutover \(K7Q2\) is under way"):
        await rig.say(f"sync --undo {run}")
    assert held(rig, site)["edited"] == b"afterwards"


async def test_a_quarantined_copy_is_refused(rig: Rig) -> None:
    site, run = await changed(rig)
    await rig.ports.store.copies.quarantine([(site.name, "lima")], "left", rig.ports.clock.now(), WHO)
    with pytest.raises(RefusedError, match="quarantined"):
        await rig.say(f"sync --undo {run}")


async def test_an_unknown_run_is_refused_with_the_runs_that_there_are(rig: Rig) -> None:
    site, run = await changed(rig)
    with pytest.raises(RefusedError, match="There is no run") as refused:
        await rig.say("sync --undo yesterday")
    assert f"{run} ({site.name} on lima)" in refused.value.hint


async def test_a_run_of_which_nothing_is_kept_is_refused_with_those_that_are(rig: Rig) -> None:
    site, run = await changed(rig)
    record = await rig.ports.store.record.entries(subject=site.name)
    first = next(str(entry.body["run"]) for entry in record if entry.kind == "sync.begun")
    assert first != run
    with pytest.raises(RefusedError, match="is kept on lima any more") as refused:
        await rig.say(f"sync --undo {first}")
    assert run in refused.value.hint
    with pytest.raises(RefusedError, match="keeps nothing called 'nowhere'"):
        await rig.say(f"sync --undo {run} nowhere")
    with pytest.raises(RefusedError) as refused:
        await rig.say(f"sync {site.name} --undo {run}")
    assert refused.value.hint == f"`sync --undo {run}` is for {site.name} already."


async def test_a_sync_clears_away_what_putting_back_kept_when_its_time_has_come(rig: Rig) -> None:
    site, run = await changed(rig)
    await rig.say(f"sync --undo {run}")
    later = rig.later(rig.ports.fleet.sync.keep_replaced + timedelta(days=1))
    rig.write(site, "oslo", {"edited": "once more"})
    await later.filled(site)
    assert set(held(rig, site)) == set(contents_at(rig.root(site, "oslo")))
    runs = {kept.name for kept in (rig.work(site, "lima") / "replaced").iterdir()}
    assert run not in runs
    assert len(runs) == 1


async def test_what_is_served_from_there_is_put_back_only_after_a_yes(rig: Rig) -> None:
    site, run = await changed(rig)
    await rig.ports.store.copies.set_active({site.name: "lima"}, rig.ports.clock.now())
    moved = replace(rig, ports=replace(rig.ports, dns=_Nobody()))
    asked: list[str] = []

    async def say(yes: bool) -> Reply:
        def ask(question: str) -> bool:
            asked.append(question)
            return yes

        return await answer(split_line(f"sync --undo {run} edited"), BOSS, "terminal", moved.ports, ask=ask)

    assert (await say(yes=False)).title == "Nothing was put back"
    assert held(rig, site)["edited"] == b"afterwards"
    assert (await say(yes=True)).exit_code == 0
    assert held(rig, site)["edited"] == b"before"
    assert "It is served from lima: visitors see it at once" in asked[0]


class _Nobody:
    """Name servers that never answer: where a site was last seen to be served holds."""

    def __getattr__(self, _name: str) -> object:
        async def silent(*_arguments: object, **_more: object) -> None:
            raise UnreachableError("Nobody answers.")

        return silent
