"""What `sync` and `sites` answer says the whole in its title, the worst first, and leaves out with a count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from core.errors import UsageError
from core.failure import Failure
from core.fleet.lookup import server_named, site_named
from core.reply import Heading, Table, Text, Tone
from core.status.sites import ProtectionLevel, SiteCopy, SiteProtection, sites_reply
from core.sync.report import progress_reply, report
from core.sync.result import SyncProgress, SyncResult
from core.sync.rsync_output import ChangeKind, PathChange

if TYPE_CHECKING:
    from core.fleet import Fleet, Site

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
DAY = timedelta(hours=26)
NOTHING = SyncResult("shop", "uk", "us", "good", 0.4)
GOOD = replace(NOTHING, changed=True, files=12, copied_bytes=3_400_000, deleted=2, took_s=4.2)
TOO_MANY = Failure("too-many-deletes", "would delete 9 of 10 files", "Look with --dry-run.", refused=True)
REFUSED = replace(GOOD, site="blog", outcome="refused", trouble=TOO_MANY)
FAILED = replace(NOTHING, site="wiki", outcome="failed", trouble=Failure("link-lost", "the link broke", "Try again."))


def table(parts: tuple[object, ...]) -> Table:
    return next(part for part in parts if isinstance(part, Table))


@pytest.mark.parametrize(("refused", "outcome"), [(True, "refused"), (False, "failed")])
def test_trouble_ends_a_sync_as_refused_where_it_was_decided_against(refused: bool, outcome: str) -> None:
    trouble = Failure("busy", "another run works there", refused=refused)
    assert GOOD.ended_by(trouble) == replace(GOOD, outcome=outcome, trouble=trouble)


def test_a_good_sync_says_what_it_did_in_its_title() -> None:
    reply = report([GOOD], [], dry_run=False)
    assert reply.title == "shop, from uk to us: 12 files (3.4 MB) copied, 2 deleted, 4.2 s"
    assert (reply.tone, reply.exit_code, reply.parts) == (Tone.GOOD, 0, ())


def test_a_sync_with_nothing_to_do_says_so() -> None:
    assert report([NOTHING], [], dry_run=False).title == "shop, from uk to us: nothing to change, 0.4 s"


@pytest.mark.parametrize(("result", "verb", "code"), [(REFUSED, "was not", 3), (FAILED, "could not be", 1)])
def test_trouble_is_in_the_title_and_what_to_do_below_it(result: SyncResult, verb: str, code: int) -> None:
    assert result.trouble is not None
    reply = report([result], [], dry_run=False)
    assert reply.title == f"{result.site} {verb} copied from uk to us: {result.trouble.message}"
    assert reply.parts == (Text(result.trouble.hint, reply.tone),)
    assert reply.exit_code == code


def test_many_results_are_counted_and_the_worst_come_first() -> None:
    reply = report([GOOD, REFUSED, FAILED], ["attic"], dry_run=False)
    assert reply.title == "1 of 3 copies are fresh, 1 refused, 1 failed"
    assert [row.cells[0] for row in table(reply.parts).rows] == ["wiki", "blog", "shop"]
    assert reply.exit_code == 1
    assert Text("1 site without a copy elsewhere: attic.") in reply.parts
    assert Text("wiki: Try again.", Tone.BAD) in reply.parts


def test_ten_thousand_results_are_summarised_with_a_count_of_what_is_left_out() -> None:
    reply = report([replace(GOOD, site=f"site{n}") for n in range(10_000)], [], dry_run=False)
    assert reply.title == "10,000 of 10,000 copies are fresh"
    assert (len(table(reply.parts).rows), table(reply.parts).left_out) == (20, 9980)


def test_no_results_at_all_are_said() -> None:
    reply = report([], ["attic"], dry_run=False)
    assert (reply.title, reply.exit_code) == ("There is nothing to copy", 0)


def test_a_note_about_a_good_run_is_said() -> None:
    reply = report([replace(GOOD, note="without ACLs")], [], dry_run=False)
    assert reply.parts == (Text("Copied without ACLs.", Tone.GOOD),)
    assert reply.facts is not None
    assert reply.facts["results"][0]["note"] == "without ACLs"  # type: ignore[index]


def test_a_dry_run_lists_the_first_changes_and_offers_to_do_it() -> None:
    changes = (PathChange(ChangeKind.CREATED, b"new", 5), PathChange(ChangeKind.DELETED, b"old/", 0))
    reply = report([replace(GOOD, dry_run=True, changes=changes)], [], dry_run=True)
    assert reply.title == "shop, dry run, from uk to us: 12 files (3.4 MB) to copy, 2 to delete, 4.2 s"
    assert [row.cells for row in table(reply.parts).rows] == [("new", "new"), ("deleted", "old/")]
    assert table(reply.parts).left_out == 13
    assert [button.line for button in reply.buttons] == ["sync shop --to us"]
    assert reply.facts is not None
    assert reply.facts["results"][0]["changes"][0] == {"kind": "created", "path": "new", "size_bytes": 5}  # type: ignore[index]


def test_a_dry_run_that_would_be_refused_or_has_nothing_to_do_offers_nothing() -> None:
    assert report([replace(REFUSED, dry_run=True)], [], dry_run=True).buttons == ()
    assert report([replace(NOTHING, dry_run=True)], [], dry_run=True).buttons == ()


def test_a_dry_run_of_many_says_how_many_would_go_well() -> None:
    assert report([GOOD, REFUSED], [], dry_run=True).title == "1 of 2 copies would go well, 1 refused"


def test_a_dry_run_over_a_quarantined_copy_offers_the_choice_and_names_what_is_newer_there() -> None:
    newer = (PathChange(ChangeKind.CHANGED, b"index.html", 7),)
    result = replace(GOOD, site="my shop", dry_run=True, quarantined=True, changes=newer, newer=newer)
    reply = report([result], [], dry_run=True)
    assert Heading("Newer on us than on uk") in reply.parts
    (button,) = reply.buttons
    assert button.line == "sync 'my shop' --to us --take-active"
    assert button.confirm is not None


def test_progress_is_one_line_with_copies_and_bytes() -> None:
    reply = progress_reply(
        [
            SyncProgress("shop", "us", "done", 600_000, 600_000),
            SyncProgress("blog", "us", "copying", 1_200_000, 3_400_000),
            SyncProgress("wiki", "us", "comparing"),
            SyncProgress("docs", "us", "waiting"),
        ]
    )
    assert reply.title == "███░░░░░░░░░ 1 of 4 copies done, 1.8 MB of 4.0 MB"
    assert reply.parts == ()
    assert reply.buttons == ()


def test_the_last_site_that_is_copied_can_be_cancelled() -> None:
    running = [
        SyncProgress("shop", "us", "done"),
        SyncProgress("my blog", "us", "done"),
        SyncProgress("my blog", "br", "comparing"),
    ]
    (button,) = progress_reply(running).buttons
    assert (button.label, button.line) == ("Cancel", "cancel 'my blog'")
    assert button.confirm is not None
    assert progress_reply(running, dry_run=True).buttons == ()
    assert progress_reply(running[:2]).buttons == ()


def test_progress_says_no_bytes_before_any_are_known() -> None:
    assert progress_reply([SyncProgress("shop", "us", "waiting")]).title == "░░░░░░░░░░░░ 0 of 1 copy done"
    assert progress_reply([]).title == "░░░░░░░░░░░░ 0 of 0 copies done"


def test_progress_never_says_more_than_all() -> None:
    assert SyncProgress("shop", "us", "copying", 99, 5).words == "copying, 5 bytes of 5 bytes"


def kept(site: Site, active: str = "north", *copies: SiteCopy) -> SiteProtection:
    return SiteProtection(site, active, copies)


def copy(server: str, hours: float | None, **more: object) -> SiteCopy:
    age = timedelta(hours=hours) if hours is not None else None
    return SiteCopy(server, NOW - age if age is not None else None, age, DAY, **more)  # type: ignore[arg-type]


def test_each_site_is_judged_by_its_best_copy_but_a_quarantined_one_is_always_said(fleet: Fleet) -> None:
    shop = fleet.sites["shop"]
    assert kept(shop, "north", copy("south", 30), copy("east", 2)).state is ProtectionLevel.FRESH
    assert kept(shop, "north", copy("south", 30), copy("east", None)).state is ProtectionLevel.OLD
    assert kept(shop, "north", copy("south", None)).state is ProtectionLevel.NO_COPY
    assert kept(shop, "north", copy("south", 1), copy("east", 1, quarantined=True)).state is ProtectionLevel.QUARANTINED
    assert kept(shop).state is ProtectionLevel.NO_MIRROR


def test_a_quarantined_copy_is_never_fresh_and_one_just_at_its_age_is() -> None:
    assert not copy("south", 1, quarantined=True).fresh
    assert copy("south", 26).fresh
    assert not copy("south", 26.01).fresh


def test_sites_are_told_worst_first_with_the_age_of_each_copy(fleet: Fleet) -> None:
    sites = [
        kept(fleet.sites["shop"], "north", copy("south", 3)),
        kept(fleet.sites["blog"], "east", copy("north", 1, quarantined=True)),
        kept(fleet.sites["far"], "south", copy("north", 30, last_trouble="the link broke")),
        kept(fleet.sites["alone"]),
    ]
    reply = sites_reply(sites, NOW)
    assert reply.title == "4 sites: 1 with a quarantined copy, 1 with an old copy, 1 without a mirror, 1 fresh"
    assert [row.cells for row in table(reply.parts).rows] == [
        ("blog", "east (home north)", "north 1 h ago, quarantined"),
        ("far", "south", "north 1 d 6 h ago, too old (then: the link broke)"),
        ("alone", "north", "no mirror"),
        ("shop", "north", "south 3 h ago"),
    ]
    assert reply.parts[1:] == (
        Text("No copy anywhere: alone.", Tone.BAD),
        Text("In quarantine on north: `failback north` shows what differs.", Tone.WARN),
        Text("1 site served away from home."),
    )
    assert reply.tone is Tone.WARN


def test_a_quarantined_copy_without_a_good_run_is_not_called_never_copied(fleet: Fleet) -> None:
    reply = sites_reply([kept(fleet.sites["blog"], "east", copy("north", None, quarantined=True))], NOW)
    assert [row.cells for row in table(reply.parts).rows] == [("blog", "east (home north)", "north quarantined")]


def test_the_facts_of_a_site_are_what_scripts_need(fleet: Fleet) -> None:
    reply = sites_reply([kept(fleet.sites["shop"], "north", copy("south", 3), copy("east", None))], NOW)
    assert reply.facts == {
        "sites": [
            {
                "name": "shop",
                "home": "north",
                "active": "north",
                "mirrors": ["south", "east"],
                "state": "fresh",
                "backed_up_at": None,
                "no_copy_anywhere": False,
                "copies": [
                    {
                        "server": "south",
                        "age_s": 10800.0,
                        "last_good_at": "2026-06-14T10:02:07.000000Z",
                        "max_age_s": 93600.0,
                        "fresh": True,
                        "quarantined": False,
                        "last_trouble": None,
                        "compared_at": None,
                        "same": None,
                    },
                    {
                        "server": "east",
                        "age_s": None,
                        "last_good_at": None,
                        "max_age_s": 93600.0,
                        "fresh": False,
                        "quarantined": False,
                        "last_trouble": None,
                        "compared_at": None,
                        "same": None,
                    },
                ],
            }
        ]
    }


def test_what_was_verified_and_what_was_backed_up_is_said(fleet: Fleet) -> None:
    verified = copy("south", 3, compared_at=NOW - timedelta(days=2))
    differed = copy("north", 1, compared_at=NOW - timedelta(hours=5), same=False)
    sites = [
        SiteProtection(fleet.sites["shop"], "north", (verified,), NOW - timedelta(hours=6)),
        SiteProtection(fleet.sites["far"], "south", (differed,)),
        SiteProtection(fleet.sites["alone"], "north", (), NOW - timedelta(hours=6)),
    ]
    reply = sites_reply(sites, NOW, offsite=True)
    assert table(reply.parts).columns == ("site", "served from", "copies", "backed up")
    assert [row.cells for row in table(reply.parts).rows] == [
        ("alone", "north", "no mirror", "6 h ago"),
        ("shop", "north", "south 3 h ago, verified 2 d ago", "6 h ago"),
        ("far", "south", "north 1 h ago, differed 5 h ago", "never"),
    ]
    assert len(reply.parts) == 1
    assert isinstance(reply.facts, dict)
    assert [site["no_copy_anywhere"] for site in reply.facts["sites"]] == [False, False, False]
    assert reply.facts["sites"][1]["copies"][0]["same"] is False


def test_a_copy_from_the_future_is_not_called_fresh(fleet: Fleet) -> None:
    reply = sites_reply([kept(fleet.sites["shop"], "north", copy("south", -2))], NOW)
    assert "fresh" not in reply.title
    assert table(reply.parts).rows[0].cells[2] == "south 2 h in the future, if no clock was put back"
    assert copy("south", -0.01).fresh


def test_a_long_fleet_is_summarised(fleet: Fleet) -> None:
    sites = [kept(replace(fleet.sites["shop"], name=f"s{n}"), "north", copy("south", 1)) for n in range(10_000)]
    reply = sites_reply(sites, NOW, "north")
    assert reply.title == "10,000 sites on north: 10,000 fresh"
    assert (len(table(reply.parts).rows), table(reply.parts).left_out) == (20, 9980)


def test_no_sites_are_said() -> None:
    assert sites_reply([], NOW, "west").title == "There are no sites on west"
    assert sites_reply([], NOW).parts == ()


def test_a_site_is_found_by_its_name_and_by_any_of_its_names(fleet: Fleet) -> None:
    assert site_named("shop", fleet).name == "shop"
    assert site_named("WWW.shop.test.", fleet).name == "shop"


def test_a_misspelt_name_gets_the_nearest(fleet: Fleet) -> None:
    with pytest.raises(UsageError) as wrong:
        site_named("shpo", fleet)
    assert wrong.value.hint == "Did you mean shop?"
    with pytest.raises(UsageError) as wrong:
        server_named("nroth", fleet)
    assert wrong.value.hint == "Did you mean north?"
    with pytest.raises(UsageError) as wrong:
        server_named("zzz", fleet)
    assert wrong.value.hint == "There are north, south, east."
    assert server_named("east", fleet) == "east"
