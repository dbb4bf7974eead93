"""The tables. A migration, once released, is never edited: a change is a new one below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils import Migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

MIGRATIONS = Migrations("sharpnet")

TABLES = (
    """CREATE TABLE record (
        seq INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, who TEXT NOT NULL,
        body TEXT NOT NULL, before TEXT NOT NULL, hash TEXT NOT NULL UNIQUE) STRICT""",
    "CREATE INDEX record_subject ON record (subject)",
    "CREATE TRIGGER record_kept BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END",
    "CREATE TRIGGER record_fixed BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END",
    """CREATE TABLE plans (
        id TEXT PRIMARY KEY, state TEXT NOT NULL, body TEXT NOT NULL, digest TEXT NOT NULL, asked_by TEXT NOT NULL,
        asked_at TEXT NOT NULL, expires_at TEXT NOT NULL, approved_at TEXT, ended_at TEXT, progress TEXT) STRICT""",
    "CREATE INDEX plans_state ON plans (state)",
    """CREATE TABLE approvals (
        plan TEXT NOT NULL, who TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (plan, who)) STRICT""",
    # One open cutover a site, whatever else goes wrong.
    "CREATE TABLE open_cutovers (site TEXT PRIMARY KEY, plan TEXT NOT NULL) STRICT",
    """CREATE TABLE steps (
        plan TEXT NOT NULL, step TEXT NOT NULL, begun_at TEXT NOT NULL, ended_at TEXT, outcome TEXT, detail TEXT,
        PRIMARY KEY (plan, step)) STRICT""",
    """CREATE TABLE runs (
        kind TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL, owner TEXT, lease_until TEXT,
        begun_at TEXT NOT NULL, ended_at TEXT, PRIMARY KEY (kind, subject)) STRICT""",
    """CREATE TABLE claims (
        name TEXT PRIMARY KEY, owner TEXT NOT NULL, purpose TEXT NOT NULL, taken_at TEXT NOT NULL,
        until_at TEXT) STRICT""",
    "CREATE TABLE fires (job TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (job, at)) STRICT",
    """CREATE TABLE cards (
        key TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, body TEXT NOT NULL, revision INTEGER NOT NULL,
        made_at TEXT NOT NULL, changed_at TEXT NOT NULL, channel TEXT, ts TEXT,
        posted_revision INTEGER NOT NULL DEFAULT 0, tried_at TEXT) STRICT""",
    """CREATE TABLE notes (
        number INTEGER PRIMARY KEY, card TEXT NOT NULL, text TEXT NOT NULL, at TEXT NOT NULL, sent_at TEXT) STRICT""",
    """CREATE TABLE states (
        target TEXT PRIMARY KEY, state TEXT NOT NULL, since_at TEXT NOT NULL, seen_at TEXT NOT NULL,
        why TEXT NOT NULL) STRICT""",
    """CREATE TABLE observed (
        target TEXT NOT NULL, state TEXT NOT NULL, from_at TEXT NOT NULL, until_at TEXT NOT NULL,
        PRIMARY KEY (target, from_at)) STRICT""",
    """CREATE TABLE outages (
        id INTEGER PRIMARY KEY, target TEXT NOT NULL, opened_at TEXT NOT NULL, closed_at TEXT, body TEXT NOT NULL,
        acked_by TEXT, acked_at TEXT, cause TEXT) STRICT""",
    # One open outage a target: one drop, one alert.
    "CREATE UNIQUE INDEX outages_open ON outages (target) WHERE closed_at IS NULL",
    """CREATE TABLE syncs (
        id TEXT PRIMARY KEY, site TEXT NOT NULL, source TEXT NOT NULL, mirror TEXT NOT NULL, begun_at TEXT NOT NULL,
        ended_at TEXT, outcome TEXT, body TEXT NOT NULL) STRICT""",
    "CREATE INDEX syncs_pair ON syncs (site, mirror, outcome, begun_at)",
    "CREATE INDEX syncs_running ON syncs (begun_at) WHERE ended_at IS NULL",
    "CREATE TABLE active (site TEXT PRIMARY KEY, server TEXT NOT NULL, since_at TEXT NOT NULL) STRICT",
    """CREATE TABLE quarantine (
        site TEXT NOT NULL, server TEXT NOT NULL, since_at TEXT NOT NULL, why TEXT NOT NULL,
        PRIMARY KEY (site, server)) STRICT""",
    """CREATE TABLE bots (
        id TEXT PRIMARY KEY, begun_at TEXT NOT NULL, seen_at TEXT NOT NULL, host TEXT NOT NULL) STRICT""",
)


@MIGRATIONS()
def first_tables(database: Database) -> None:
    """Make the tables of the first release."""
    for table in TABLES:
        database.conn.execute(table)


@MIGRATIONS()
def proofs_and_backups(database: Database) -> None:
    """Add what is known of copies besides their age: that they were compared, and that there is a third one."""
    database.conn.execute(
        """CREATE TABLE proofs (
            id TEXT PRIMARY KEY, site TEXT NOT NULL, source TEXT NOT NULL, mirror TEXT NOT NULL, at TEXT NOT NULL,
            outcome TEXT NOT NULL, body TEXT NOT NULL) STRICT"""
    )
    database.conn.execute("CREATE INDEX proofs_pair ON proofs (site, mirror, at)")
    database.conn.execute(
        """CREATE TABLE backups (
            id TEXT PRIMARY KEY, site TEXT NOT NULL, server TEXT NOT NULL, begun_at TEXT NOT NULL, ended_at TEXT,
            outcome TEXT, snapshot TEXT, body TEXT NOT NULL) STRICT"""
    )
    database.conn.execute("CREATE INDEX backups_site ON backups (site, outcome, begun_at)")
    database.conn.execute("CREATE INDEX backups_running ON backups (begun_at) WHERE ended_at IS NULL")


@MIGRATIONS()
def other_ways_to_be_told(database: Database) -> None:
    """Add what goes to people besides Slack, and what other monitoring reports.

    A trigger, since every card is news when it is made and when its tone changes, whoever puts it, in that transaction.
    """
    database.conn.execute(
        """CREATE TABLE alerts (
            number INTEGER PRIMARY KEY AUTOINCREMENT, card TEXT NOT NULL, at TEXT NOT NULL, tone_before TEXT,
            body TEXT NOT NULL) STRICT"""
    )
    database.conn.execute(
        """CREATE TRIGGER alerts_new AFTER INSERT ON cards BEGIN
            INSERT INTO alerts (card, at, body) VALUES (NEW.key, NEW.changed_at, NEW.body);
            DELETE FROM alerts WHERE number <= (SELECT max(number) FROM alerts) - 10000; END"""
    )
    database.conn.execute(
        """CREATE TRIGGER alerts_changed AFTER UPDATE OF body ON cards
            WHEN NEW.body ->> '$.tone' != OLD.body ->> '$.tone' BEGIN
            INSERT INTO alerts (card, at, tone_before, body)
            VALUES (NEW.key, NEW.changed_at, OLD.body ->> '$.tone', NEW.body);
            DELETE FROM alerts WHERE number <= (SELECT max(number) FROM alerts) - 10000; END"""
    )
    database.conn.execute(
        """CREATE TABLE routes (
            route TEXT PRIMARY KEY, done INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, in_doubt INTEGER NOT NULL
            DEFAULT 0, failing_since_at TEXT, why TEXT NOT NULL DEFAULT '') STRICT"""
    )
    database.conn.execute(
        """CREATE TABLE reports (
            source TEXT NOT NULL, target TEXT NOT NULL, begun_at TEXT NOT NULL, said_at TEXT NOT NULL,
            PRIMARY KEY (source, target)) STRICT"""
    )
    database.conn.execute("CREATE TABLE pulse (id INTEGER PRIMARY KEY CHECK (id = 1), at TEXT NOT NULL) STRICT")


@MIGRATIONS()
def incidents_and_maintenance(database: Database) -> None:
    """Add planned work, what it keeps quiet, what people say of incidents, and when they were last reminded."""
    database.conn.execute(
        """CREATE TABLE maintenance (
            id INTEGER PRIMARY KEY, scope TEXT NOT NULL, why TEXT NOT NULL, asked_by TEXT NOT NULL,
            asked_at TEXT NOT NULL, starts_at TEXT NOT NULL, ends_at TEXT NOT NULL, began_at TEXT, ended_at TEXT,
            ended_by TEXT, cancelled_at TEXT, overrun_at TEXT) STRICT"""
    )
    database.conn.execute(
        "CREATE INDEX maintenance_open ON maintenance (starts_at) WHERE ended_at IS NULL AND cancelled_at IS NULL"
    )
    database.conn.execute(
        """CREATE TABLE silenced (
            id INTEGER PRIMARY KEY, maintenance INTEGER NOT NULL, target TEXT NOT NULL, from_at TEXT NOT NULL,
            until_at TEXT, why TEXT NOT NULL) STRICT"""
    )
    database.conn.execute("CREATE UNIQUE INDEX silenced_open ON silenced (target) WHERE until_at IS NULL")
    database.conn.execute("CREATE INDEX silenced_by ON silenced (maintenance)")
    database.conn.execute(
        """CREATE TABLE said (
            number INTEGER PRIMARY KEY, incident TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
            who TEXT NOT NULL, at TEXT NOT NULL) STRICT"""
    )
    database.conn.execute("CREATE INDEX said_of ON said (incident, number)")
    database.conn.execute("ALTER TABLE outages ADD COLUMN reminded_at TEXT")


@MIGRATIONS()
def answer_times(database: Database) -> None:
    """Add how fast targets answered of late: a median for each short stretch of time, numbered since 1970."""
    database.conn.execute(
        """CREATE TABLE latencies (
            target TEXT NOT NULL, slot INTEGER NOT NULL, took_s REAL NOT NULL, PRIMARY KEY (target, slot)
            ) STRICT, WITHOUT ROWID"""
    )


@MIGRATIONS()
def replies_in_threads(database: Database) -> None:
    """Add which message in a thread said it, so that it counts once, however often Slack hands it over."""
    database.conn.execute("ALTER TABLE said ADD COLUMN heard TEXT")
    database.conn.execute("CREATE INDEX said_heard ON said (heard) WHERE heard IS NOT NULL")
    database.conn.execute("CREATE INDEX cards_shown ON cards (ts)")


@MIGRATIONS()
def lines_that_give_way(database: Database) -> None:
    """Add to which series a line for a thread belongs, of which the newest is sent."""
    database.conn.execute("ALTER TABLE notes ADD COLUMN series TEXT")
    database.conn.execute("CREATE INDEX notes_waiting ON notes (card) WHERE sent_at IS NULL")


@MIGRATIONS()
def home_tabs(database: Database) -> None:
    """Add whose Home tab may be open, and which bot keeps it up to date until when."""
    database.conn.execute(
        """CREATE TABLE home_tabs (
            user TEXT PRIMARY KEY, opened_at TEXT NOT NULL, bot TEXT NOT NULL, until_at TEXT NOT NULL) STRICT"""
    )


@MIGRATIONS()
def what_json_says(database: Database) -> None:
    """Add what is asked of JSON and of targets as columns that follow by themselves, so that no query reads JSON."""
    for table, column, kind, expression in (
        ("outages", "card", "TEXT", "body ->> '$.card'"),
        ("backups", "kind", "TEXT", "body ->> '$.kind'"),
        ("backups", "shrank", "TEXT", "body ->> '$.shrank'"),
        ("syncs", "files", "INTEGER", "body ->> '$.files'"),
        ("syncs", "deleted", "INTEGER", "body ->> '$.deleted'"),
        ("record", "run", "TEXT", "body ->> '$.run'"),
        ("record", "server", "TEXT", "body ->> '$.server'"),
        ("states", "kind", "TEXT", "substr(target, 1, instr(target, ':') - 1)"),
    ):
        database.conn.execute(
            f"ALTER TABLE {table} ADD COLUMN {column} {kind} GENERATED ALWAYS AS (CAST({expression} AS {kind})) VIRTUAL"
        )
    database.conn.execute("CREATE INDEX outages_card ON outages (card)")


@MIGRATIONS()
def tokens_of_runs(database: Database) -> None:
    """Add how often a run has changed hands: what an owner before the newest one writes is refused."""
    database.conn.execute("ALTER TABLE runs ADD COLUMN token INTEGER NOT NULL DEFAULT 0")


@MIGRATIONS()
def leases_by_boot_time(database: Database) -> None:
    """Let leases end by a clock that does not step. Those of before are over: an older release had taken them.

    A claim until it is given back has neither epoch nor end.
    """
    for statement in (
        "DELETE FROM claims WHERE until_at IS NOT NULL",
        "ALTER TABLE claims DROP COLUMN until_at",
        "ALTER TABLE claims ADD COLUMN epoch TEXT",
        "ALTER TABLE claims ADD COLUMN until_s REAL",
        "UPDATE runs SET owner = NULL",
        "ALTER TABLE runs DROP COLUMN lease_until",
        "ALTER TABLE runs ADD COLUMN epoch TEXT",
        "ALTER TABLE runs ADD COLUMN until_s REAL",
        "ALTER TABLE home_tabs DROP COLUMN until_at",
        "ALTER TABLE home_tabs ADD COLUMN epoch TEXT",
        "ALTER TABLE home_tabs ADD COLUMN until_s REAL",
    ):
        database.conn.execute(statement)


@MIGRATIONS()
def which_store_this_is(database: Database) -> None:
    """Add the store's ids, its own with the greatest number, and whether there is doubt that it is the newest."""
    database.conn.execute("CREATE TABLE store_ids (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT")
    database.conn.execute("INSERT INTO store_ids (number, id) VALUES (1, lower(hex(randomblob(8))))")
    database.conn.execute(
        """CREATE TABLE store_doubt (
            one INTEGER PRIMARY KEY CHECK (one = 1), since_at TEXT NOT NULL, why TEXT NOT NULL,
            card TEXT NOT NULL) STRICT"""
    )


@MIGRATIONS()
def what_made_an_approver(database: Database) -> None:
    """Add to each approval which entry of app.yaml made its giver an approver: it counts while that is there."""
    database.conn.execute("ALTER TABLE approvals ADD COLUMN entry TEXT")


@MIGRATIONS()
def newest_runs(database: Database) -> None:
    """Find the newest run of each site in an index that holds all that is asked of the others, and not in every row."""
    for statement in (
        "CREATE INDEX syncs_ended ON syncs (site, mirror, begun_at, ended_at) WHERE ended_at IS NOT NULL",
        "CREATE INDEX backups_newest ON backups (kind, site, begun_at, outcome)",
        "DROP INDEX proofs_pair",
        "CREATE INDEX proofs_pair ON proofs (site, mirror, at, outcome)",
    ):
        database.conn.execute(statement)


@MIGRATIONS()
def mailboxes_kept_alike(database: Database) -> None:
    """Add how the last run on each user's mail on two servers ended, and with what the next one goes on."""
    database.conn.execute(
        """CREATE TABLE mailboxes (
            login TEXT NOT NULL, server TEXT NOT NULL, other TEXT NOT NULL, begun_at TEXT NOT NULL, ended_at TEXT,
            outcome TEXT NOT NULL DEFAULT '', failures INTEGER NOT NULL DEFAULT 0, alike_at TEXT,
            state TEXT NOT NULL DEFAULT '', body TEXT NOT NULL DEFAULT '{}', PRIMARY KEY (login, server, other)
            ) STRICT"""
    )
