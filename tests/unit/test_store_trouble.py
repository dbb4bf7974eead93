"""Which SQLite may keep the store, and what is the matter when it says no."""

from __future__ import annotations

import pytest

from core.errors import StoreDamagedError, StoreError, StoreGoneError
from core.store_trouble import gone, store_error, why_not_wal

STORE = "/srv/our bot/sharpnet.db"


@pytest.mark.parametrize(
    "version",
    [
        (3, 44, 6),
        (3, 44, 7),
        (3, 50, 7),
        (3, 50, 8),
        (3, 51, 3),
        (3, 51, 10),
        (3, 52, 0),
        (3, 53, 0),
        (3, 53, 4),
        (4, 0, 0),
        (4, 44, 0),
    ],
)
def test_a_mended_sqlite_may_share_a_file(version: tuple[int, int, int]) -> None:
    assert why_not_wal(version) is None


@pytest.mark.parametrize(
    "version",
    [
        (3, 7, 0),
        (3, 40, 1),
        (3, 43, 9),
        (3, 44, 0),
        (3, 44, 5),
        (3, 45, 0),
        (3, 46, 1),
        (3, 49, 0),
        (3, 49, 2),
        (3, 49, 99),
        (3, 50, 0),
        (3, 50, 6),
        (3, 51, 0),
        (3, 51, 2),
    ],
)
def test_a_sqlite_with_the_wal_reset_bug_may_not(version: tuple[int, int, int]) -> None:
    reason = why_not_wal(version)
    assert reason is not None
    assert reason.startswith(f"SQLite {version[0]}.{version[1]}.{version[2]} may damage a file")
    assert "fixed in 3.51.3, 3.50.7 and 3.44.6" in reason


@pytest.mark.parametrize("version", [(3, 6, 23), (3, 6, 99), (2, 8, 17), (2, 51, 3)])
def test_a_sqlite_from_before_the_write_ahead_log_may_not(version: tuple[int, int, int]) -> None:
    reason = why_not_wal(version)
    assert reason is not None
    assert reason.endswith("has no write-ahead log, which came with 3.7.0")


@pytest.mark.parametrize(
    ("code", "said", "message", "hint"),
    [
        (5, "database is locked", "was held by another process for 15 s", "fuser -v '/srv/our bot/sharpnet.db'"),
        (6, "database table is locked", "was held by another process for 15 s", "fuser -v"),
        (13, "database or disk is full", "could not be written for want of space", "df -h '/srv/our bot'"),
        (8, "attempt to write a readonly database", "could not be written by this user", "ls -la '/srv/our bot'"),
        (3, "access permission denied", "could not be written by this user", "owner"),
        (14, "unable to open database file", "could not be opened", "ls -la '/srv/our bot'"),
        (10, "disk I/O error", "The disk of the store /srv/our bot/sharpnet.db failed", "dmesg"),
        # Extended codes: SQLITE_BUSY_RECOVERY, SQLITE_IOERR_WRITE, SQLITE_READONLY_DBMOVED.
        (261, "database is locked", "was held by another process for 15 s", "fuser"),
        (778, "disk I/O error", "The disk of the store", "dmesg"),
        (1032, "attempt to write a readonly database", "could not be written by this user", "taken away"),
        (1, "no such table: record", "could not be used", "another program's file"),
        (None, "Cannot operate on a closed database", "could not be used", "another program's file"),
    ],
)
def test_each_trouble_is_named_with_what_to_do(code: int | None, said: str, message: str, hint: str) -> None:
    error = store_error(STORE, code, said, waited_s=15.0)
    assert type(error) is StoreError
    assert message in error.message
    assert error.message.endswith(f": {said}.")
    assert "/srv/our bot/sharpnet.db" in error.message
    assert hint in error.hint


# SQLITE_CORRUPT, and the extended SQLITE_CORRUPT_INDEX.
@pytest.mark.parametrize("code", [11, 779])
def test_damage_is_an_error_of_its_own_with_what_to_type(code: int) -> None:
    error = store_error("/srv/our store.db", code, "database disk image is malformed", waited_s=15.0)
    assert isinstance(error, StoreDamagedError)
    assert (error.code, error.exit_code) == ("store-damaged", 1)
    assert error.message == "The store /srv/our store.db is damaged: database disk image is malformed."
    assert "our store.db-wal" in error.hint
    assert "`sqlite3 'our store.db' .dump | sed 's/^ROLLBACK.*/COMMIT;/' | sqlite3 saved.db`" in error.hint


def test_where_even_the_beginning_cannot_be_read_nothing_is_promised_of_the_file() -> None:
    error = store_error(STORE, 26, "file is not a database", waited_s=15.0)
    assert isinstance(error, StoreDamagedError)
    assert error.message == (
        "The store /srv/our bot/sharpnet.db is damaged at its beginning, or no store at all: file is not a database."
    )
    assert "DATABASE_URL" in error.hint
    assert ".dump" not in error.hint


@pytest.mark.parametrize(("replaced", "how"), [(True, "replaced by another file"), (False, "deleted")])
def test_a_store_that_was_taken_away_says_how_and_that_nothing_is_done_any_more(how: str, *, replaced: bool) -> None:
    error = gone(STORE, replaced=replaced)
    assert isinstance(error, StoreGoneError)
    assert error.message == f"{STORE} was {how} while this process had the store open."
    assert error.hint.startswith("Nothing is written or carried out any more.")
