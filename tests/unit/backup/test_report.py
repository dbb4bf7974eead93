"""What people are told about backups, proofs and restores."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from core.backup.cards import bad_card, is_bad, many_bad_card, overdue_card, site_key, upkeep_card
from core.backup.origin import Backup, Origin, SavedPaths
from core.backup.report import BackupHistory, ListedBackup, list_reply, progress_reply, run_reply, status_reply
from core.backup.result import BackupProgress, BackupResult
from core.backup.sample import NO_FILE, RestoreTestResult, SampleOutcome, judge_file, proof_reply, restore_s, within
from core.backup.snapshots import Extent, Snapshot
from core.failure import Failure
from core.reply import Reply, Row, Table, Text, Tone

if TYPE_CHECKING:
    from core.backup.result import Outcome

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
EMPTY = Failure("source-empty", "uk holds no files of it", "Is its disk mounted?")
SNAPSHOT = Snapshot("01234567" * 8, "shop", "uk", NOW - HOUR, ("/srv/shop",))
BACKUP = Backup(SNAPSHOT, Origin.RECORDED, NOW - HOUR, SavedPaths("/srv/shop"))


def result(
    site: str = "shop", outcome: Outcome = "good", trouble: Failure | None = None, shrank: str = ""
) -> BackupResult:
    return BackupResult(
        site,
        "uk",
        outcome,
        took_s=4.2,
        files=1204,
        size_bytes=38_000_000,
        new_bytes=1_100_000,
        snapshot="01234567",
        shrank=shrank,
        trouble=trouble,
    )


def failed(site: str = "shop", trouble: Failure = EMPTY) -> BackupResult:
    return result(site, "refused" if trouble.refused else "failed", trouble)


def rows(reply: Reply) -> list[tuple[str, ...]]:
    return [row.cells for part in reply.parts if isinstance(part, Table) for row in part.rows]


def texts(reply: Reply) -> str:
    return " ".join(part.text for part in reply.parts if isinstance(part, Text))


class TestRun:
    def test_one_good_backup_is_said_in_a_line(self) -> None:
        reply = run_reply([result()], None)
        assert reply.title == "shop is backed up from uk: 1,204 files (38 MB, 1.1 MB new), 4.2 s"
        assert (reply.parts, reply.tone, reply.exit_code) == ((), Tone.GOOD, 0)

    def test_databases_are_counted(self) -> None:
        one = BackupResult("shop", "uk", "good", files=1, size_bytes=5, databases=2)
        assert one.summary == "1 file and 2 databases (5 bytes, 0 bytes new), 0 s"

    def test_of_many_the_worst_come_first_and_each_kind_of_trouble_is_said_once(self) -> None:
        held = Failure("held", "a backup run is under way", "Try again.", refused=True)
        results = [result("a"), failed("b"), failed("c"), failed("d", held), result("e", shrank="4 files, 90 before")]
        reply = run_reply(results, Failure("locked", "somebody else works there", "Wait."))
        assert reply.title == ("2 of 5 sites backed up, 5.5 MB new, 1 less than half of before, 1 refused, 2 failed")
        assert [row[0] for row in rows(reply)] == ["b", "c", "d", "e", "a"]
        assert "b, c: Is its disk mounted?" in texts(reply)
        assert "e: It was saved" in texts(reply)
        assert "Older backups were not let go: somebody else works there. Wait." in texts(reply)
        assert (reply.tone, reply.exit_code) == (Tone.BAD, 1)

    def test_a_shrunken_site_and_a_repository_that_is_not_kept_small_are_warnings(self) -> None:
        assert run_reply([result(shrank="4 files, 90 before")], None).tone is Tone.WARN
        reply = run_reply([result()], Failure("locked", "somebody else works there"))
        assert (reply.tone, reply.exit_code) == (Tone.WARN, 0)

    def test_nothing_and_refused_are_said(self) -> None:
        assert run_reply([], None).title == "There is nothing to back up"
        held = failed(trouble=Failure("held", "no", refused=True))
        assert run_reply([held], None).title == "shop was not backed up from uk: no"
        assert run_reply([held], None).exit_code == 3

    def test_only_a_whole_backup_lets_older_ones_go(self) -> None:
        assert result().may_forget
        assert not failed().may_forget
        assert not result(shrank="less").may_forget

    def test_the_record_says_why_and_what_to_do(self) -> None:
        assert failed().facts["why"] == "uk holds no files of it"
        assert "why" not in result().facts
        assert BackupResult("shop", "uk", "good", note="by hand").facts["note"] == "by hand"

    def test_trouble_ends_a_backup_as_refused_where_it_was_decided_against(self) -> None:
        assert result().ended_by(EMPTY) == failed()
        held = Failure("held", "another run works there", refused=True)
        assert result().ended_by(held) == failed(trouble=held)

    def test_progress_counts_and_names_what_is_under_way(self) -> None:
        running = [
            BackupProgress("a", "uk", "done"),
            BackupProgress("b", "uk", "counting"),
            BackupProgress("c", "uk", "waiting"),
        ]
        reply = progress_reply(running)
        assert reply.title == "1 of 3 sites backed up"
        assert rows(reply) == [("b", "uk", "counting")]


class TestList:
    def test_each_is_listed_with_what_is_known_and_sites_without_any_are_named(self) -> None:
        listed = [
            ListedBackup(BACKUP, 12, 3_400_000),
            ListedBackup(BACKUP),
            ListedBackup(BACKUP, 1, 5, partly=True),
        ]
        reply = list_reply(listed, ["blog"], "UTC", NOW)
        assert reply.title == "3 backups of 1 site; 1 site without any: blog"
        assert rows(reply)[0] == ("shop", "11:00:00 UTC", "uk", "12", "3.4 MB", "01234567")
        assert rows(reply)[1][3:] == ("?", "?", "01234567")
        assert rows(reply)[2][5] == "01234567 (partly)"
        assert reply.facts is not None
        assert reply.facts["without"] == ["blog"]

    def test_what_no_record_knows_is_shown_for_what_it_is_and_counted_only_where_it_may_be_restored(self) -> None:
        listed = [
            ListedBackup(replace(BACKUP, origin=Origin.FOREIGN)),
            ListedBackup(BACKUP, 12, 3_400_000),
            ListedBackup(replace(BACKUP, origin=Origin.UNCONFIRMED)),
        ]
        reply = list_reply(listed, [], "UTC", NOW)
        assert reply.title == "2 backups of 1 site, and 1 not made by this bot"
        notes = ["01234567 (not made by this bot)", "01234567", "01234567 (no record confirms it)"]
        assert [row[5] for row in rows(reply)] == notes
        assert reply.facts is not None
        origins = [one["origin"] for one in reply.facts["snapshots"]]  # type: ignore[attr-defined]
        assert origins == ["foreign", "recorded", "unconfirmed"]

    def test_none_at_all_needs_no_table(self) -> None:
        assert list_reply([], [], "UTC", NOW).parts == ()


class TestStatus:
    def test_the_oldest_come_first_and_late_ones_are_named(self) -> None:
        known = [
            BackupHistory("fresh", NOW - HOUR, "uk", 12, 5_000_000, proven_at=NOW - 2 * HOUR),
            BackupHistory("late", NOW - 30 * HOUR, "uk", 1, 5, trouble="the disk is full"),
            BackupHistory("never"),
            BackupHistory("bad", NOW - HOUR, "uk", 1, 5, proven_at=NOW - HOUR, proven=False),
        ]
        reply = status_reply(known, 26 * HOUR, 1_000_000_000, "", NOW)
        assert reply.title == "2 of 4 sites backed up within 1 d 2 h; not so: never, late"
        assert rows(reply) == [
            ("never", "never", "", "", "never", ""),
            ("late", "1 d 6 h ago", "1", "5 bytes", "never", "the disk is full"),
            ("bad", "1 h ago", "1", "5 bytes", "differed 1 h ago", ""),
            ("fresh", "1 h ago", "12", "5.0 MB", "2 h ago", ""),
        ]
        assert "The repository takes 1.0 GB off-site." in texts(reply)
        assert [button.line for button in reply.buttons] == ["backup run"]
        assert reply.exit_code == 1

    def test_what_is_under_way_is_said_and_all_well_is_good(self) -> None:
        reply = status_reply([BackupHistory("fresh", NOW - HOUR)], 26 * HOUR, None, "a backup run", NOW)
        assert texts(reply) == "A backup run is in progress."
        assert (reply.tone, reply.exit_code, reply.buttons) == (Tone.GOOD, 0, ())


class TestCards:
    def test_what_is_over_by_itself_needs_nobody(self) -> None:
        assert is_bad(failed())
        assert is_bad(result(shrank="less"))
        assert not is_bad(result())
        assert not is_bad(failed(trouble=Failure("held", "", refused=True)))

    def test_one_bad_backup_says_what_the_last_good_one_was(self) -> None:
        card = bad_card(failed("my shop"), NOW - 3 * HOUR, NOW)
        assert card.title == "my shop could not be backed up from uk: uk holds no files of it"
        assert "Last good backup: 3 h ago." in texts(card)
        assert card.buttons[0].line == "backup run 'my shop'"
        card = bad_card(failed(trouble=Failure("x", "no", refused=True)), None, NOW)
        assert card.title == "shop was not backed up from uk: no"
        assert texts(card) == "Last good backup: never."

    def test_a_shrunken_one_offers_to_accept_it(self) -> None:
        card = bad_card(result(shrank="4 files, 90 before"), None, NOW)
        assert card.title == "shop has shrunk to less than half on uk: 4 files, 90 before"
        assert card.buttons[0].line == "backup run shop --allow-shrink"

    def test_many_are_one_message_by_what_they_have_in_common(self) -> None:
        card = many_bad_card([failed("a"), failed("b"), result("c", shrank="less")])
        assert card.title == "Backups of 3 sites need a look: uk holds no files of it (2 of them)"
        assert "uk holds no files of it: a, b. Is its disk mounted?" in texts(card)
        assert many_bad_card([failed("a"), failed("b")]).title.endswith("of it")

    def test_a_backup_that_has_not_run_says_for_how_long(self) -> None:
        card = overdue_card(["a", "b", "c"], {"a": NOW - 30 * HOUR, "b": NOW - 50 * HOUR}, 26 * HOUR, NOW)
        assert card.title == "Backups have not run: 2 sites not for 1 d 2 h, b the longest: 2 d 2 h ago; 1 site never"
        assert texts(card).startswith("c, b, a. ")
        assert overdue_card(["c"], {}, HOUR, NOW).title == "Backups have not run: 1 site never"
        assert overdue_card(["a"], {"a": NOW - 2 * HOUR}, HOUR, NOW).title.endswith("a the longest: 2 h ago")

    def test_upkeep_and_keys(self) -> None:
        assert upkeep_card("locked", "Wait.").title == "Old backups could not be let go: locked"
        assert site_key("a") != site_key("b")


class TestProof:
    @pytest.mark.parametrize(
        ("restored", "live", "changed", "what"),
        [
            ("aa", "aa", 0, SampleOutcome.SAME),
            ("aa", "bb", SNAPSHOT.taken_at.timestamp() - 1, SampleOutcome.DIFFERENT),
            ("aa", "bb", SNAPSHOT.taken_at.timestamp(), SampleOutcome.LEFT_OUT),
            ("aa", NO_FILE, 0, SampleOutcome.LEFT_OUT),
            (NO_FILE, "aa", 0, SampleOutcome.NOT_RESTORED),
        ],
    )
    def test_a_file_is_judged_by_its_hash_and_left_out_where_it_was_changed_since(
        self, restored: str, live: str, changed: float, what: SampleOutcome
    ) -> None:
        assert judge_file(restored, live, int(changed), SNAPSHOT) is what

    def test_only_files_in_what_was_saved_are_taken_into_a_sample(self) -> None:
        inside = (("/srv/shop/a", 1), ("/srv/shop/..b/c", 2), ("/srv/.sharpnet/k/backup/x.sql", 3))
        outside = (("/srv/shop", 1), ("/srv/shop2/a", 1), ("/srv/shop/../attic/a", 1), ("/etc/passwd", 1), ("", 1))
        paths = SavedPaths("/srv/shop", "/srv/.sharpnet/k/backup")
        assert within((*outside, *inside), paths) == inside
        assert within(inside, SavedPaths("/srv/shop")) == inside[:2]

    def test_the_time_for_all_grows_with_its_size_and_keeps_what_is_spent_anyway(self) -> None:
        assert restore_s(1000, 100, 2.0, 1.0) == pytest.approx(11.0)
        assert restore_s(0, 0, 1.0, 1.0) == pytest.approx(1.0)
        assert restore_s(1000, 100, 0.5, 1.0) == pytest.approx(1.5)

    def proof(self, **changes: object) -> RestoreTestResult:
        files = {"/a": SampleOutcome.SAME, "/b": SampleOutcome.LEFT_OUT}
        made = {"snapshot": SNAPSHOT, "files": files, "whole": Extent(1000, 5_000_000), "full_s": 240.0, **changes}
        return RestoreTestResult("shop", "uk", **made)  # type: ignore[arg-type]

    def test_a_good_one_says_what_was_the_same_and_how_long_all_would_take(self) -> None:
        reply = proof_reply([self.proof()], None, "UTC", NOW)
        assert reply.title == "1 of 1 backup proven by a sample; the repository is sound"
        words = "1 file the same, 1 changed since and left out, restoring all 1,000 files (5.0 MB) takes 4 min"
        assert rows(reply) == [("shop", "11:00:00 UTC", words)]
        assert (reply.tone, reply.exit_code) == (Tone.GOOD, 0)

    def test_what_differs_is_named(self) -> None:
        proof = self.proof(
            files={"/a\n": SampleOutcome.DIFFERENT, "/b": SampleOutcome.NOT_RESTORED}, dumps=2, broken=("x.sql",)
        )
        reply = proof_reply([proof, self.proof()], None, "UTC", NOW)
        assert "2 files not: /a\\n, /b" in rows(reply)[0][2]
        assert "1 of 2 dumps whole" in rows(reply)[0][2]
        assert "1 not as the live site" in reply.title
        assert (reply.tone, reply.exit_code) == (Tone.BAD, 1)
        assert self.proof(broken=("x.sql",), dumps=1).outcome == "differs"

    def test_where_there_is_none_it_says_why(self) -> None:
        proof = RestoreTestResult("shop", "uk", trouble=Failure("no-backup", "there is no backup of it", "Make one."))
        broken = Failure("restic", "restic ended with status 1 on uk", "pack is missing")
        reply = proof_reply([proof], broken, "UTC", NOW)
        assert reply.title == "0 of 1 backup proven by a sample, 1 not looked at; the repository is not sound"
        assert rows(reply) == [("shop", "", "there is no backup of it")]
        assert "Make one." in texts(reply)
        assert proof.facts["why"] == "there is no backup of it"
        assert reply.tone is Tone.BAD
        assert proof_reply([proof], None, "UTC", NOW).tone is Tone.WARN

    def test_a_proof_without_figures_still_says_something(self) -> None:
        assert RestoreTestResult("shop", "uk").in_words() == "0 files the same"
        assert isinstance(proof_reply([RestoreTestResult("shop", "uk")], None, "UTC", NOW).parts[0], Table)
        assert Row(("x",)).tone is Tone.PLAIN
