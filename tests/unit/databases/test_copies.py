"""Names beside a database, why a copy must not be put in place, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.databases.copies import (
    DatabaseCopy,
    DatabaseState,
    about_copies,
    fresh_name,
    replaced_databases,
    replaced_name,
    unfinished_copies,
    was_replaced_by,
    why_not_load,
    why_not_whole,
)
from core.databases.failures import failure_of_database
from core.sync.report import report
from core.sync.result import SyncProgress, SyncResult

AT = datetime(2026, 11, 22, 3, 0, 7, tzinfo=UTC)
RUN = "20261122T030000Z-ab12cd34"
names = st.text(min_size=1, max_size=64)


@given(names, names)
def test_names_beside_a_database_are_plain_short_enough_and_never_another_databases(one: str, other: str) -> None:
    beside = [fresh_name(one, RUN), replaced_name(one, RUN, AT)]
    for name in beside:
        assert len(name) < 64
        assert name[0].isalpha()
        assert name == name.lower()
        assert name.isascii()
        assert name.replace("_", "").isalnum()
    if one != other:
        assert not unfinished_copies(other, beside)
        assert not replaced_databases(other, beside)


def test_the_names_beside_a_database_are_those_that_every_release_has_given() -> None:
    """By other names, what an earlier release has kept would be found by nobody."""
    assert fresh_name("shop", RUN) == "shop_sharpnet_8d9001d32c_new_44773096b6f8"
    assert replaced_name("Shop & Co. of 1999", RUN, AT) == "shopcoof1999_sharpnet_ef816e7d25_20261122t030007z_447730"
    assert fresh_name("1e5", RUN) == "d1e5_sharpnet_84af3bdb45_new_44773096b6f8"
    assert fresh_name("é", RUN) == "d_sharpnet_4a99557e40_new_44773096b6f8"


def test_what_is_kept_is_told_from_what_is_being_filled_newest_first() -> None:
    older, newer = replaced_name("shop", "r1", AT), replaced_name("shop", RUN, AT + timedelta(days=1))
    there = [older, fresh_name("shop", RUN), "shop", newer, "shop_sharpnet_other"]
    kept = replaced_databases("shop", there)
    assert [one.name for one in kept] == [newer, older]
    assert [one.replaced_at for one in kept] == [AT + timedelta(days=1), AT]
    assert [was_replaced_by(one, RUN) for one in kept] == [True, False]
    assert unfinished_copies("shop", there) == (fresh_name("shop", RUN),)


def there(*tables: str) -> DatabaseState:
    return DatabaseState(exists=True, tables=frozenset(tables))


@pytest.mark.parametrize(
    ("source", "mirror", "max_delete", "code"),
    [
        (there("a", "b"), there("a"), 0.0, None),
        (there("a"), there("a", "b"), 0.5, None),
        (there("a"), there("a", "b"), 0.4, "too-many-deletes"),
        (there("a"), there("a", "b", "c", "d", "e"), None, None),
        (there(), there("a"), None, "source-empty"),
        (there(), there(), 0.25, None),
        (there("new"), DatabaseState(exists=False), 0.0, None),
    ],
)
def test_a_source_that_lost_its_tables_is_refused(
    source: DatabaseState, mirror: DatabaseState, max_delete: float | None, code: str | None
) -> None:
    trouble = why_not_load("shop", source, mirror, max_delete=max_delete)
    assert (trouble.code if trouble else None) == code
    assert trouble is None or trouble.refused


def test_how_many_tables_would_go_is_said_with_the_limit() -> None:
    trouble = why_not_load("shop", there("a"), there("a", "b", "c"), max_delete=0.25)
    assert trouble is not None
    assert "would drop 2 of 3 tables of the database shop (66.7 %), the limit is 25 %: b, c" in trouble.message


def test_a_table_that_came_or_went_during_the_dump_may_be_there_or_not() -> None:
    before, after = there("a", "gone"), there("a", "came")
    assert why_not_whole("shop", before, after, there("a"), sent_rows=1, loaded_rows=1) is None
    assert why_not_whole("shop", before, after, there("a", "came", "gone"), sent_rows=1, loaded_rows=1) is None
    missing = why_not_whole("shop", before, after, there("came"), sent_rows=1, loaded_rows=1)
    assert missing is not None
    assert "lacks 1 table: a" in missing.message


def test_rows_that_did_not_arrive_are_counted() -> None:
    trouble = why_not_whole("shop", there("a"), there("a"), there("a"), sent_rows=1000, loaded_rows=999)
    assert trouble is not None
    assert "holds 999 of 1,000 rows that were sent" in trouble.message


COPY = DatabaseCopy("mariadb", "shop", 1_200_000, 12, 4711, "shop_kept", ("Its event is asleep.",))


def result(**fields: object) -> SyncResult:
    return SyncResult("shop", "north", "south", "good", 4.2, changed=True, **fields)  # type: ignore[arg-type]


def test_a_result_says_files_and_databases_together() -> None:
    assert about_copies((), dry_run=False) == ""
    assert (
        result(files=3, copied_bytes=9, databases=(COPY,)).summary
        == "3 files (9 bytes) copied, 1 database (1.2 MB), 4.2 s"
    )
    assert result(databases=(COPY, COPY)).summary == "no file changed, 2 databases (2.4 MB), 4.2 s"
    dry = result(files=3, copied_bytes=9, databases=(COPY,), dry_run=True)
    assert dry.summary == "3 files (9 bytes) to copy, databases are copied whole: 1 database (1.2 MB), 4.2 s"


def test_a_results_facts_and_report_hold_what_is_to_be_known_about_databases() -> None:
    one = result(databases=(COPY,), remarks=("Old databases could not be dropped.",))
    assert one.facts["databases"] == [
        {
            "engine": "mariadb",
            "name": "shop",
            "size_bytes": 1_200_000,
            "tables": 12,
            "rows": 4711,
            "kept": "shop_kept",
            "notes": ["Its event is asleep."],
        }
    ]
    assert one.facts["remarks"] == ["Old databases could not be dropped."]
    said = [str(part) for part in report([one], (), dry_run=False).parts]
    assert any("Its event is asleep." in part for part in said)
    assert any("Old databases could not be dropped." in part for part in said)


def test_loading_says_how_much_has_come() -> None:
    assert SyncProgress("shop", "south", "loading databases", 1_500_000).words == "loading databases, 1.5 MB"


SOCKET = b"ERROR 2002 (HY000): Can't connect to local server through socket '/run/x.sock' (2)"
PG_SOCKET = (
    b'psql: error: connection to server on socket "/run/p/.s.PGSQL.5432" failed: No such file or directory\n'
    b"\tIs the server running locally and accepting connections on that socket?"
)


@pytest.mark.parametrize(
    ("exit_code", "err", "code"),
    [
        (90, b"sharpnet-stop: no-client", "no-client"),
        (90, b"sharpnet-stop: cut-off", "cut-off"),
        (90, b"sharpnet-stop: unheard-of", "database-failed"),
        (1, SOCKET, "database-down"),
        (2, PG_SOCKET, "database-down"),
        (1, b"ERROR 2013 (HY000) at line 9: Lost connection to server during query", "database-down"),
        (1, b"ERROR 1045 (28000): Access denied for user 'app'@'localhost' (using password: YES)", "database-login"),
        (2, b'psql: error: FATAL:  password authentication failed for user "app"', "database-login"),
        (2, b'psql: error: FATAL:  Peer authentication failed for user "app"', "database-login"),
        (
            1,
            b"ERROR 1044 (42000) at line 1: Access denied for user 'app'@'localhost' to database 'x'",
            "database-rights",
        ),
        (3, b"ERROR:  permission denied to create database", "database-rights"),
        (1, b"ERROR 1049 (42000): Unknown database 'shop'", "no-database"),
        (1, b"ERROR 1273 (HY000) at line 25: Unknown collation: 'utf8mb4_uca1400_ai_ci'", "database-version"),
        (1, b"pg_dump: error: aborting because of server version mismatch", "database-version"),
        (3, b'ERROR:  extension "postgis" is not available', "database-version"),
        (
            1,
            b"ERROR 3 (HY000) at line 70: Error writing file '/tmp/x' (Errcode: 28 \"No space left on device\")",
            "database-disk-full",
        ),
        (1, b"ERROR 1114 (HY000) at line 7: The table 'big' is full", "database-disk-full"),
        (3, b'ERROR:  database "shop" is being accessed by other users', "database-busy"),
        (2, b"mariadb-dump: Error 1412: Table definition has changed, please retry transaction", "database-changed"),
        (2, b"mariadb-dump: x has insufficient privileges to SHOW CREATE FUNCTION `f`!", "database-rights"),
        (
            1,
            b"ERROR 1356 (HY000): View 'x' references invalid or definer/invoker of view lack rights to use them",
            "database-definer",
        ),
        (3, b"invalid command \\restrict", "client-old"),
        (3, b"backslash commands are restricted; only \\unrestrict is allowed", "dump-commands"),
        (1, b"ERROR 4166 (HY000): ... server or client has disabled the local infile capability", "dump-commands"),
        (1, b"ERROR at line 150: Unknown command '\\!'.", "dump-commands"),
        (1, b"ERROR 3948 (42000): Loading local data is disabled", "dump-commands"),
        (
            1,
            b"ERROR 1227 (42000): Access denied; you need (at least one of) the SET USER privilege(s)",
            "database-definer",
        ),
        (1, b"ERROR 1227 (42000): Access denied; you need (at least one of) the FILE privilege(s)", "database-rights"),
        (3, b'ERROR:  role "only_there" does not exist', "database-definer"),
        (3, b'ERROR:  must be able to SET ROLE "postgres"', "database-definer"),
        (2, b'psql: error: FATAL:  role "app" does not exist', "database-login"),
        (5, b"something new", "database-failed"),
    ],
)
def test_what_a_client_says_is_told_as_what_it_is(exit_code: int, err: bytes, code: str) -> None:
    trouble = failure_of_database("shop", "south", "loaded", exit_code, err)
    assert trouble is not None
    assert trouble.code == code
    assert "{" not in trouble.message + trouble.hint
    assert "shop" in trouble.message
    assert "south" in trouble.message or code == "database-changed"


def test_a_client_that_went_well_is_no_trouble_whatever_it_said() -> None:
    assert failure_of_database("shop", "south", "asked", 0, b"Warning: odd") is None


def test_what_is_quoted_of_a_client_is_its_end_printable_and_without_a_password() -> None:
    err = b"warning one\nwarning two\nwarning three\nERROR \x1b[31m at password=hunter2 here\n"
    trouble = failure_of_database("shop", "south", "asked", 1, err)
    assert trouble is not None
    assert "hunter2" not in trouble.hint
    assert "warning one" not in trouble.hint
    assert "\\x1b[31m" in trouble.hint
    silent = failure_of_database("shop", "south", "asked", 1, b"")
    assert silent is not None
    assert silent.hint == ""
