"""What taking the served copy would put aside is told apart from what it would bring, and hostile paths are refused."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.databases.copies import DatabaseState
from core.errors import UsageError
from core.failback import report, report_chosen
from core.failback.compare import (
    KEPT_FILES,
    Comparison,
    DatabaseSides,
    DifferenceKind,
    File,
    ReturnedCopy,
    failback_state,
    judge,
    tally,
)
from core.failback.keep import (
    KeepResult,
    folders_around,
    left_out,
    missing_folders,
    paths_to_look_at,
    read_paths,
    why_not_keep,
)
from core.failure import Failure
from core.fleet import Database
from core.reply import Heading, Reply, Row, Table, Text, Tone, Typed
from core.sync.result import SyncResult
from core.sync.rsync_output import ChangeKind, PathChange
from core.sync.undo import did_in_words
from core.verify.compare import FileStat

if TYPE_CHECKING:
    from core.fleet import Fleet

FILE, FOLDER, LINK, PIPE = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755, stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644
NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
WHY = (NOW, "left by failover K7Q2")
BROKEN = Failure("unreachable", "south does not answer: refused", "Try when it is up.")


def seen(mode: int = FILE, written_s: int = 10, size_bytes: int = 1) -> FileStat:
    return FileStat(mode, size_bytes, written_s, 0)


@pytest.mark.parametrize(
    ("kind", "there", "here", "found", "size_bytes"),
    [
        (ChangeKind.DELETED, seen(size_bytes=3), None, DifferenceKind.ONLY_RETURNED, 3),
        (ChangeKind.CREATED, seen(size_bytes=3), seen(FOLDER), DifferenceKind.ONLY_RETURNED, 3),
        (ChangeKind.CREATED, None, seen(size_bytes=4), DifferenceKind.ONLY_ACTIVE, 4),
        (ChangeKind.CHANGED, seen(written_s=11, size_bytes=3), seen(size_bytes=4), DifferenceKind.NEWER_RETURNED, 3),
        (ChangeKind.CHANGED, seen(written_s=9, size_bytes=3), seen(size_bytes=4), DifferenceKind.NEWER_ACTIVE, 4),
        (ChangeKind.CHANGED, seen(size_bytes=3), seen(size_bytes=4), DifferenceKind.SAME_TIME, 3),
        (ChangeKind.ATTRIBUTES, seen(written_s=11), seen(), DifferenceKind.ATTRIBUTES, 1),
    ],
)
def test_a_path_is_judged_by_what_lies_there_on_both_servers(
    kind: ChangeKind, there: FileStat | None, here: FileStat | None, found: DifferenceKind, size_bytes: int
) -> None:
    file = judge(PathChange(kind, b"a", 0), there, here)
    assert file is not None
    assert (file.found, file.size_bytes) == (found, size_bytes)


@pytest.mark.parametrize(("there", "here"), [(None, None), (seen(FOLDER), None), (seen(FOLDER), seen(FOLDER))])
def test_folders_and_what_is_gone_by_now_are_no_difference(there: FileStat | None, here: FileStat | None) -> None:
    assert judge(PathChange(ChangeKind.DELETED, b"a", 0), there, here) is None


@given(
    there=st.none() | st.builds(seen, st.sampled_from([FILE, LINK, FOLDER]), st.integers(0, 3)),
    here=st.none() | st.builds(seen, st.sampled_from([FILE, LINK, FOLDER]), st.integers(0, 3)),
    kind=st.sampled_from([ChangeKind.CREATED, ChangeKind.CHANGED, ChangeKind.DELETED]),
)
def test_whatever_the_returned_server_may_have_written_last_is_at_risk(
    there: FileStat | None, here: FileStat | None, kind: ChangeKind
) -> None:
    file = judge(PathChange(kind, b"a", 0), there, here)
    is_file = there is not None and there.mode != FOLDER
    may_be_last = is_file and (
        here is None or here.mode == FOLDER or (there is not None and there.written_s >= here.written_s)
    )
    assert (file is not None and file.found.at_risk) == may_be_last


def file_of(found: DifferenceKind, path: bytes, written_s: int, size_bytes: int = 1) -> File:
    return File(found, path, size_bytes, written_s, None if found is DifferenceKind.ONLY_RETURNED else 0)


def test_all_are_counted_and_the_newest_are_listed() -> None:
    files = [file_of(DifferenceKind.ONLY_RETURNED, b"%d" % number, number, 2) for number in range(KEPT_FILES + 5)]
    listed, tallies = tally(files)
    assert tallies[DifferenceKind.ONLY_RETURNED].files == KEPT_FILES + 5
    assert tallies[DifferenceKind.ONLY_RETURNED].size_bytes == 2 * (KEPT_FILES + 5)
    assert [file.path for file in listed[DifferenceKind.ONLY_RETURNED]][:2] == [b"1004", b"1003"]
    assert len(listed[DifferenceKind.ONLY_RETURNED]) == KEPT_FILES


class TestStanding:
    def test_a_returned_home_is_to_be_reconciled_before_anything_goes_home(self, fleet: Fleet) -> None:
        shop = fleet.sites["shop"]
        found = failback_state([shop], (), {"shop": "south"}, {("shop", "north"): WHY})
        assert found.returned == (ReturnedCopy(shop, "north", "south", *WHY),)
        assert found.away == found.at_home == ()

    def test_a_reconciled_site_goes_home_whatever_holds_of_its_other_copies(self, fleet: Fleet) -> None:
        shop = fleet.sites["shop"]
        found = failback_state([shop], (), {"shop": "south"}, {("shop", "east"): WHY})
        assert (found.returned, found.away) == ((), (shop,))
        asked = failback_state([shop], ("east",), {"shop": "south"}, {("shop", "east"): WHY})
        assert [copy.server for copy in asked.returned] == ["east"]

    def test_a_copy_left_by_going_home_is_to_be_reconciled_too(self, fleet: Fleet) -> None:
        shop = fleet.sites["shop"]
        found = failback_state([shop], (), {}, {("shop", "south"): WHY})
        assert [(copy.server, copy.active) for copy in found.returned] == [("south", "north")]

    def test_a_site_at_home_without_quarantine_is_said_to_be_there(self, fleet: Fleet) -> None:
        shop = fleet.sites["shop"]
        assert failback_state([shop], ("north",), {}, {}).at_home == (shop,)

    def test_a_server_that_is_not_its_home_takes_nothing_home(self, fleet: Fleet) -> None:
        shop = fleet.sites["shop"]
        for quarantined in ({}, {("shop", "north"): WHY}):
            found = failback_state([shop], ("east",), {"shop": "south"}, quarantined)
            assert found == failback_state([], (), {}, {})

    def test_where_only_the_served_copy_is_quarantined_the_others_are_compared_with_it(self, fleet: Fleet) -> None:
        shop = fleet.sites["shop"]
        found = failback_state([shop], (), {}, {("blog", "east"): (NOW, "another"), ("shop", "north"): WHY})
        assert [(copy.server, copy.why) for copy in found.returned] == [("south", WHY[1]), ("east", WHY[1])]


@pytest.mark.parametrize(
    ("typed", "paths"),
    [
        (["a/b"], [b"a/b"]),
        (["./a//b/"], [b"a/b"]),
        (["a/b", "a", "a/b/c", "ab"], [b"a", b"ab"]),
        (["caf\udce9"], [b"caf\xe9"]),
        (["-rf", "two\nlines"], [b"-rf", b"two\nlines"]),
        (["..a/b.."], [b"..a/b.."]),
    ],
)
def test_typed_paths_are_taken_below_the_root_each_once(typed: list[str], paths: list[bytes]) -> None:
    assert list(read_paths(typed)) == paths


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("/etc/passwd", "absolute"),
        ("a/../../b", "upwards"),
        ("..", "upwards"),
        ("", "names no"),
        (".//", "names no"),
        ("a\0b", "NUL"),
    ],
)
def test_a_path_that_may_leave_the_root_is_refused(typed: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        read_paths([typed])


@given(st.lists(st.text(alphabet="ab./ ", max_size=8), max_size=4))
def test_no_path_that_is_taken_leads_out_of_the_root_or_into_another_one(typed: list[str]) -> None:
    try:
        paths = read_paths(typed)
    except UsageError:
        return
    for path in paths:
        assert not path.startswith(b"/")
        assert not {b"", b".", b".."} & set(path.split(b"/"))
        assert not set(folders_around(path)) & set(paths)


def test_the_folders_around_are_looked_at_too_and_those_that_lack_come_first() -> None:
    assert paths_to_look_at([b"a/b/c", b"a/d"]) == (b"a", b"a/b", b"a/b/c", b"a/d")
    assert missing_folders([b"a/b/c", b"a/d"], {b"a": seen(FOLDER)}) == (b"a/b",)


@pytest.mark.parametrize(
    ("returned", "active", "why"),
    [
        ({b"a": seen(FOLDER), b"a/b": seen()}, {}, None),
        ({b"a": seen(FOLDER), b"a/b": seen()}, {b"a": seen(FOLDER), b"a/b": seen(LINK)}, None),
        ({b"a": seen(FOLDER), b"a/b": seen(FOLDER)}, {b"a": seen(FOLDER), b"a/b": seen(FOLDER)}, None),
        ({b"a": seen(LINK), b"a/b": seen()}, {}, "a is a symbolic link on there"),
        ({b"a": seen(FOLDER), b"a/b": seen()}, {b"a": seen(LINK)}, "a is a symbolic link on here"),
        ({b"a": seen(FOLDER), b"a/b": seen()}, {b"a": seen()}, "a is no folder on here"),
        ({}, {}, "there has no such file"),
        ({b"a/b": seen(PIPE)}, {}, "neither a file nor a folder"),
        ({b"a/b": seen(FOLDER)}, {b"a/b": seen(LINK)}, "a folder on there and none on here"),
        ({b"a/b": seen()}, {b"a/b": seen(FOLDER)}, "a folder on here and none on there"),
    ],
)
def test_a_path_is_kept_only_where_it_leads_through_folders_to_the_same_kind(
    returned: dict[bytes, FileStat], active: dict[bytes, FileStat], why: str | None
) -> None:
    trouble = why_not_keep([b"a/b"], returned, active, ("there", "here"))
    if why is None:
        assert trouble is None
    else:
        assert trouble is not None
        assert why in trouble.message
        assert trouble.refused


def test_what_rsync_does_not_list_is_left_out() -> None:
    listed = [PathChange(ChangeKind.ATTRIBUTES, b"a/", 0), PathChange(ChangeKind.CREATED, b"b", 1)]
    assert left_out([b"a", b"b", b"cache"], listed) == (b"cache",)


@pytest.fixture
def quiet(fleet: Fleet) -> Comparison:
    return Comparison(ReturnedCopy(fleet.sites["shop"], "north", "south", *WHY), returned_files=7)


def risky(quiet: Comparison, *paths: bytes, more: int = 0) -> Comparison:
    files = [file_of(DifferenceKind.ONLY_RETURNED, path, 1_780_000_000) for path in paths]
    listed, tallies = tally([*files, file_of(DifferenceKind.NEWER_ACTIVE, b"z", 1)])
    return replace(quiet, files=listed, tallies=tallies, more=more)


def lines(reply: Reply) -> list[str]:
    return [button.line for button in reply.buttons]


def texts(reply: Reply) -> str:
    return "\n".join(part.text for part in reply.parts if isinstance(part, Text | Heading))


def said(*comparisons: Comparison, away: tuple[str, ...] = (), fleet: Fleet | None = None) -> Reply:
    home = [fleet.sites[name] for name in away] if fleet is not None else []
    return report.report(comparisons, "north", home, "UTC", NOW)


class TestReport:
    def test_a_returned_copy_without_anything_of_its_own_says_so(self, quiet: Comparison) -> None:
        reply = said(quiet)
        assert reply.title == "shop: no file on north is missing or older on south"
        assert (reply.tone, reply.exit_code) == (Tone.GOOD, 0)
        assert lines(reply) == ["failback shop --from north --take-active"]
        assert Typed("sharpnet failback shop --from north --take-active") in reply.parts

    def test_what_would_be_put_aside_is_listed_and_a_few_files_can_be_kept_by_a_button(self, quiet: Comparison) -> None:
        reply = said(risky(quiet, b"up/it's.jpg", b"b"))
        assert reply.title == "shop: 2 files (2 bytes) on north are missing or older on south"
        assert reply.tone is Tone.WARN
        assert lines(reply)[0] == "failback shop --from north --keep=b '--keep=up/it'\"'\"'s.jpg'"
        table = [part for part in reply.parts if isinstance(part, Table)][1]
        assert table.rows[0].cells == ("b", "only on north", "1 byte", "2026-05-28 20:26:40 UTC")
        assert "2 files (2 bytes), missing or older on south, stay recoverable on north" in str(
            reply.buttons[1].confirm
        )

    @pytest.mark.parametrize(
        "paths", [[b"caf\xe9"], [b"two\nlines"], ["a \u2014 b".encode()], [b"%d" % number for number in range(30)]]
    )
    def test_what_a_button_cannot_type_is_left_to_the_keyboard(self, quiet: Comparison, paths: list[bytes]) -> None:
        reply = said(risky(quiet, *paths))
        assert lines(reply) == ["failback shop --from north --take-active"]
        table = [part for part in reply.parts if isinstance(part, Table)][1]
        assert len(table.rows) + table.left_out == len(paths)

    def test_one_file_is_kept_by_one_button(self, quiet: Comparison) -> None:
        assert said(risky(quiet, b"a")).buttons[0].label == "Publish 1 file"

    def test_paths_beyond_those_that_were_looked_at_are_never_called_nothing(self, quiet: Comparison) -> None:
        reply = said(replace(quiet, more=9))
        assert "more than 0 files differ" in reply.title
        assert reply.tone is Tone.WARN

    def test_an_empty_returned_copy_asks_whether_its_disk_is_there(self, quiet: Comparison) -> None:
        assert "is its disk mounted?" in texts(said(replace(quiet, returned_files=0)))

    def test_databases_and_excludes_are_said(self, quiet: Comparison) -> None:
        site = replace(quiet.returned.site, exclude=("cache/",))
        orders, there = (
            Database("mariadb", "orders"),
            DatabaseState(exists=True, size_bytes=4200, tables=frozenset("ab")),
        )
        both = (
            DatabaseSides(orders, there, DatabaseState(exists=False)),
            DatabaseSides(orders, replace(BROKEN, message="access denied"), there),
        )
        reply = said(replace(quiet, returned=replace(quiet.returned, site=site), every_byte=True, databases=both))
        (table,) = (part for part in reply.parts if isinstance(part, Table))
        assert [row.cells for row in table.rows] == [
            ("orders", "2 tables, 4.2 kB", "not there"),
            ("orders", "not known: access denied", "2 tables, 4.2 kB"),
        ]
        assert "--keep brings none" in texts(reply)
        assert "stays where it is: cache/" in texts(reply)
        assert "--checksum" not in texts(reply)
        assert reply.tone is Tone.WARN
        assert reply.facts is not None
        (first, second) = reply.facts["copies"][0]["databases"]  # type: ignore[index]
        assert first["returned"] == {"exists": True, "tables": 2, "size_bytes": 4200}
        assert second["returned"]["code"] == "unreachable"

    @pytest.mark.parametrize(("refused", "tone", "code"), [(False, Tone.BAD, 1), (True, Tone.WARN, 3)])
    def test_what_could_not_be_compared_offers_no_choice(
        self, quiet: Comparison, refused: bool, tone: Tone, code: int
    ) -> None:
        reply = said(replace(quiet, trouble=replace(BROKEN, refused=refused)))
        assert (reply.tone, reply.exit_code) == (tone, code)
        assert lines(reply) == ["failback shop --from north"]
        assert "Try when it is up." in texts(reply)
        assert reply.facts is not None
        assert reply.facts["copies"][0]["trouble"]["code"] == "unreachable"  # type: ignore[index]

    def test_trouble_without_a_hint_says_that_nothing_changed(self, quiet: Comparison) -> None:
        assert "Nothing was changed." in texts(said(replace(quiet, trouble=replace(BROKEN, hint=""))))

    def test_several_may_have_nothing_of_their_own(self, quiet: Comparison, fleet: Fleet) -> None:
        blog = replace(quiet, returned=replace(quiet.returned, site=fleet.sites["blog"]))
        assert said(quiet, blog, fleet=fleet).title == "2 returned copies: 2 with no extra files"

    def test_many_are_a_row_each_the_worst_first(self, quiet: Comparison, fleet: Fleet) -> None:
        blog = replace(quiet, returned=replace(quiet.returned, site=fleet.sites["blog"]))
        far = replace(quiet.returned, site=replace(fleet.sites["far"], databases=(Database("mariadb", "x"),)))
        broken = replace(quiet, returned=far, trouble=BROKEN)
        reply = said(quiet, risky(blog, b"a", more=3), broken, away=("alone",), fleet=fleet)
        (table,) = (part for part in reply.parts if isinstance(part, Table))
        assert [row.cells[0] for row in table.rows] == ["far", "blog", "shop"]
        assert table.rows[1] == Row(("blog", "north, south", "1 file (1 byte)", "1 and 3 more"), Tone.WARN)
        assert reply.title == (
            "3 returned copies: 1 with files that the served copy lacks or has older, 1 not compared, "
            "1 with no extra files"
        )
        assert reply.exit_code == 1
        assert "not compared: far" in texts(reply)
        assert "1 site can go home: alone. `failback alone`" in texts(reply)
        assert lines(reply) == ["failback north --take-active"]

    def test_of_very_many_that_can_go_home_only_the_first_are_named(self, quiet: Comparison, fleet: Fleet) -> None:
        reply = said(quiet, quiet, away=("alone", "far", "shop", "blog", "alone", "far"), fleet=fleet)
        assert "alone, far, shop, blog, alone and 1 more. Reconcile the others first" in texts(reply)
        assert Typed("sharpnet failback north --take-active") in reply.parts

    def test_many_that_have_nothing_are_taken_as_plainly(self, quiet: Comparison) -> None:
        reply = said(quiet, quiet)
        assert "Their files stay recoverable" in str(reply.buttons[0].confirm)

    def test_many_of_which_none_could_be_compared_offer_no_choice(self, quiet: Comparison) -> None:
        assert said(*[replace(quiet, trouble=BROKEN)] * 2).buttons == ()


def test_progress_counts_what_is_done_and_names_what_is_being_done(quiet: Comparison) -> None:
    steps = [(quiet.returned, step) for step in ("done", "comparing", "waiting")]
    reply = report.progress_reply(steps)
    assert reply.title == "1 of 3 copies compared"
    (table,) = reply.parts
    assert isinstance(table, Table)
    assert [row.cells for row in table.rows] == [("shop", "north", "comparing")]


CAME = (
    PathChange(ChangeKind.CREATED, b"up/", 0),
    PathChange(ChangeKind.CREATED, b"up/a", 3),
    PathChange(ChangeKind.CHANGED, b"b", 4),
)
KEPT = KeepResult("shop", "north", "south", (b"up", b"b"), "R1", CAME)
RESULT = SyncResult("shop", "south", "north", "good", 1.0)


class TestKept:
    def test_files_that_came_are_counted_and_those_that_took_a_place_are_listed(self) -> None:
        taken = Reply("taken", parts=(Text("how"),), facts={"good": 1})
        reply = report_chosen.kept_report(KEPT, RESULT, taken)
        assert (
            reply.title
            == "shop: 2 files (7 bytes) brought from north, 1 of them in the place of another one; then taken"
        )
        assert texts(reply).splitlines() == [
            "Brought to south: up/a, b.",
            "What they replaced is recoverable on south: b; `sync --undo R1 --dry-run` lists it.",
            "how",
        ]
        assert reply.facts == {"kept": dict(KEPT.facts), "taken": {"good": 1}}

    def test_what_was_there_already_is_said_to_be(self) -> None:
        reply = report_chosen.kept_report(replace(KEPT, brought=()), RESULT, Reply("taken"))
        assert "nothing to bring, it is there already" in reply.title
        assert reply.parts == ()

    @pytest.mark.parametrize(("refused", "code"), [(True, 3), (False, 1)])
    def test_trouble_says_what_came_and_that_the_quarantine_stays(self, refused: bool, code: int) -> None:
        reply = report_chosen.kept_report(replace(KEPT, trouble=replace(BROKEN, refused=refused)), None, None)
        assert reply.exit_code == code
        assert "stays in quarantine" in texts(reply)
        assert reply.facts is not None
        assert reply.facts["kept"]["code"] == "unreachable"  # type: ignore[index]

    def test_trouble_without_a_hint_is_said_as_plainly(self) -> None:
        kept = replace(KEPT, brought=(), trouble=replace(BROKEN, hint=""))
        assert texts(report_chosen.kept_report(kept, None, None)).startswith("The copy on north is as it was")


@pytest.mark.parametrize("code", ["too-many-deletes", "unreachable", None])
def test_only_the_hint_about_too_many_deletes_is_one_of_failback(code: str | None) -> None:
    trouble = replace(BROKEN, code=code) if code is not None else None
    result = report_chosen.with_own_hint(replace(RESULT, site="my shop", trouble=trouble))
    hint = result.trouble.hint if result.trouble is not None else ""
    assert ("`failback 'my shop' --take-active --allow-delete`" in hint) == (code == "too-many-deletes")


def test_what_was_kept_aside_can_be_listed_by_its_run() -> None:
    (part,) = report_chosen.taken_parts([(RESULT, "R2")])
    assert part == Text("What north had of shop is recoverable there: `sync --undo R2 --dry-run` lists it.")


def test_a_run_that_kept_paths_is_called_so_among_those_that_can_be_undone() -> None:
    assert did_in_words("keep", KEPT.facts) == "files kept from north"


def test_sites_at_home_are_named_and_no_site_is_said_too(fleet: Fleet) -> None:
    assert report_chosen.at_home_reply([fleet.sites["shop"]]).title.startswith("1 site is at home")
    assert report_chosen.at_home_reply([]).title == "No site lives there, and no copy there is in quarantine"
