"""What a copy of a site's databases holds, seen from both servers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from databases.harness import ENGINES, ODD, name_of, sql
from sync.harness import WHO, point

from jobs.sync import SyncRequest
from jobs.sync.one import sync_one
from jobs.sync.serving import serving_known

if TYPE_CHECKING:
    from sync.harness import Rig


EVERYTHING = """
CREATE TABLE `Eltern-Tabelle ä` (id INT PRIMARY KEY AUTO_INCREMENT, n VARCHAR(60) CHARACTER SET utf8mb4, q INT,
    twice INT AS (q * 2) STORED) ENGINE=InnoDB;
CREATE TABLE child (id INT PRIMARY KEY, parent INT, bytes BLOB,
    CONSTRAINT bound FOREIGN KEY (parent) REFERENCES `Eltern-Tabelle ä` (id) ON DELETE CASCADE) ENGINE=InnoDB;
CREATE TABLE seen (t TEXT CHARACTER SET utf8mb4) ENGINE=InnoDB;
CREATE TABLE old_engine (t TEXT) ENGINE=MyISAM;
CREATE SEQUENCE numbers START WITH 7;
INSERT INTO `Eltern-Tabelle ä` (n, q) VALUES ('plain', 1);
INSERT INTO `Eltern-Tabelle ä` (n, q) VALUES ('it''s ),( \\\\ (', 2), ('two\\nlines\\n(3,', 3), ('日本', 4);
INSERT INTO child VALUES (1, 1, x'00ff0a0d27'), (2, 2, NULL);
CREATE VIEW a_view AS SELECT p.n, c.id FROM `Eltern-Tabelle ä` p JOIN child c ON c.parent = p.id;
CREATE VIEW again AS SELECT * FROM a_view;
DELIMITER ;;
CREATE TRIGGER watcher AFTER INSERT ON `Eltern-Tabelle ä` FOR EACH ROW BEGIN
INSERT INTO seen VALUES (NEW.n);
END;;
CREATE PROCEDURE how_many() BEGIN SELECT COUNT(*) FROM child; END;;
CREATE FUNCTION three() RETURNS INT DETERMINISTIC RETURN 3;;
CREATE EVENT `tick ENABLE` ON SCHEDULE EVERY 1 SECOND COMMENT 'each' DO INSERT INTO seen VALUES ('ticked');;
DELIMITER ;
"""


async def test_files_and_databases_of_both_engines_are_one_run(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "hello"})
    for engine in ENGINES:
        sql(rig, site, "oslo", engine, "INSERT INTO entries (text) VALUES ('newest')")
    result = await rig.sync(site)
    assert (result.outcome, result.changed) == ("good", True), result
    assert [(copy.engine, copy.rows) for copy in result.databases] == [("mariadb", 202), ("postgresql", 202)]
    assert rig.same(site)
    for engine in ENGINES:
        assert sql(rig, site, "lima", engine, "SELECT max(id), count(*) FROM entries") == "201\t201"
    assert "2 databases" in result.summary
    assert len(await rig.ports.store.copies.last_good()) == 1


async def test_mariadbs_views_triggers_routines_events_keys_and_names_arrive_and_work(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "hello"})
    sql(rig, site, "oslo", "mariadb", EVERYTHING)
    for _ in range(2):
        result = await rig.sync(site)
        assert result.outcome == "good", result
    assert [note for copy in result.databases for note in copy.notes if "without transactions" in note]
    there = "lima"
    assert sql(rig, site, there, "mariadb", "SELECT COUNT(*) FROM again") == "2"
    assert (
        sql(
            rig,
            site,
            there,
            "mariadb",
            "CALL how_many(); SELECT three(), NEXTVAL(numbers), HEX(bytes) FROM child WHERE id = 1",
        )
        == "2\n3\t7\t00FF0A0D27"
    )
    values = "SELECT HEX(n), q, twice FROM `Eltern-Tabelle ä` ORDER BY id"
    assert sql(rig, site, there, "mariadb", values) == sql(rig, site, "oslo", "mariadb", values)
    sql(rig, site, there, "mariadb", "INSERT INTO `Eltern-Tabelle ä` (n, q) VALUES ('fired', 5)")
    assert sql(rig, site, there, "mariadb", "SELECT t FROM seen") == "fired"
    sql(rig, site, there, "mariadb", "DELETE FROM `Eltern-Tabelle ä` WHERE n = 'plain'")
    assert sql(rig, site, there, "mariadb", "SELECT COUNT(*) FROM child") == "1"
    statuses = "SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA LIKE CONCAT(DATABASE(), '%')"
    assert set(sql(rig, site, there, "mariadb", statuses).split()) == {"SLAVESIDE_DISABLED"}


async def test_postgresqls_views_triggers_functions_keys_and_settings_arrive_and_work(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "hello"})
    everything = """
        SET ROLE #;
        CREATE SCHEMA "Schrank ä"; CREATE TYPE mood AS ENUM ('sad', 'ok');
        CREATE TABLE "Schrank ä"."Eltern" (id serial PRIMARY KEY, n text, m mood,
            q int, twice int GENERATED ALWAYS AS (q * 2) STORED);
        CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES "Schrank ä"."Eltern" ON DELETE CASCADE, b bytea);
        CREATE TABLE seen (t text);
        CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.seen VALUES (NEW.n);
        RETURN NEW; END $$;
        INSERT INTO "Schrank ä"."Eltern" (n, m, q) VALUES ('plain', 'ok', 1), (E'two\\nlines\\n\\\\.', NULL, 2),
            ('日本', 'sad', 3);
        INSERT INTO child VALUES (1, 1, '\\x00ff0a'), (2, 2, NULL);
        CREATE TRIGGER watcher AFTER INSERT ON "Schrank ä"."Eltern" FOR EACH ROW EXECUTE FUNCTION watch();
        CREATE VIEW a_view AS SELECT n FROM "Schrank ä"."Eltern" e JOIN child c ON c.parent = e.id;
        CREATE MATERIALIZED VIEW solid AS SELECT count(*) FROM child;
    """
    sql(rig, site, "oslo", "postgresql", everything.replace("#", name_of(site)))
    sql(rig, site, "oslo", "postgresql", f'ALTER DATABASE {name_of(site)} SET search_path = "Schrank ä", public')
    for _ in range(2):
        result = await rig.sync(site)
        assert result.outcome == "good", result
    there = "lima"
    values = 'SELECT n, m, q, twice FROM "Eltern" ORDER BY id'
    assert sql(rig, site, there, "postgresql", values) == sql(rig, site, "oslo", "postgresql", values)
    assert sql(rig, site, there, "postgresql", "SELECT count(*) FROM a_view") == "2"
    assert (
        sql(rig, site, there, "postgresql", "INSERT INTO \"Eltern\" (n) VALUES ('fired'); SELECT t FROM seen")
        == "fired"
    )
    assert sql(rig, site, there, "postgresql", "DELETE FROM \"Eltern\" WHERE n = 'plain'; SELECT id FROM child") == "2"
    assert sql(rig, site, there, "postgresql", "SELECT count FROM solid") == "2"


async def test_names_and_passwords_of_any_printable_characters_work(rig: Rig) -> None:
    site = rig.ports.fleet.sites[ODD]
    for _ in range(2):
        result = await rig.sync(site)
        assert result.outcome == "good", result
    assert sql(rig, site, "lima", "mariadb", "SELECT text FROM marker") == ODD
    assert [copy.rows for copy in result.databases] == [201, 201]
    databases = rig.ports.databases
    for database in site.databases:
        kept = await databases.kept(database, "lima")
        assert isinstance(kept, tuple)
        assert [one.database for one in kept] == [database.name]


async def test_what_a_run_replaces_is_kept_whole_under_another_name_until_its_time_is_over(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "hello"})
    sql(rig, site, "oslo", "mariadb", "CREATE VIEW v AS SELECT text FROM marker")
    assert (await rig.sync(site)).outcome == "good"
    for engine in ENGINES:
        sql(rig, site, "lima", engine, "INSERT INTO entries (text) VALUES ('only here')")
    second = await rig.sync(site)
    for copy in second.databases:
        assert copy.kept
        assert (
            rig.lab.sql("lima", copy.engine, copy.kept, "SELECT count(*) FROM entries WHERE text = 'only here'")
            == "1\n"
        )
        assert sql(rig, site, "lima", copy.engine, "SELECT count(*) FROM entries") == "200"
    assert rig.lab.sql("lima", "mariadb", second.databases[0].kept, "SELECT text FROM v") == f"{site.name}\n"
    later = rig.later(rig.ports.fleet.sync.keep_replaced + timedelta(hours=1))
    third = await later.sync(site)
    assert third.outcome == "good"
    databases = rig.ports.databases
    for database, copy in zip(site.databases, third.databases, strict=True):
        kept = await databases.kept(database, "lima")
        assert isinstance(kept, tuple)
        assert [one.name for one in kept] == [copy.kept]


async def test_a_dry_run_says_that_databases_are_copied_whole_and_changes_nothing(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "hello"})
    result = await rig.sync(site, dry_run=True)
    assert "databases are copied whole: 2 databases" in result.summary
    for engine in ENGINES:
        assert (
            sql(
                rig,
                site,
                "lima",
                engine,
                "SELECT count(*) FROM information_schema.tables WHERE "
                "table_name = 'marker' AND table_schema IN ('public', database())"
                if engine == "mariadb"
                else "SELECT count(*) FROM pg_class WHERE relname = 'marker'",
            )
            == "0"
        )


@pytest.mark.parametrize("engine", ENGINES)
async def test_an_emptied_database_is_refused_and_so_is_one_that_lost_too_many_tables(rig: Rig, engine: str) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "hello"})
    assert (await rig.sync(site)).outcome == "good"
    rig.write(site, "oslo", {"index.html": "after"})
    sql(rig, site, "oslo", engine, "DROP TABLE marker")
    refused = await rig.sync(site)
    assert refused.trouble is not None
    assert (refused.trouble.code, refused.outcome) == ("too-many-deletes", "refused")
    sql(rig, site, "oslo", engine, "DROP TABLE entries")
    for options in ({}, {"allow_delete": True}):
        refused = await rig.sync(site, **options)
        assert refused.trouble is not None
        assert refused.trouble.code == "source-empty"
    assert sql(rig, site, "lima", engine, "SELECT text FROM marker") == site.name
    assert (rig.root(site, "lima") / "index.html").read_text() == "hello"


async def test_after_a_failover_databases_flow_the_other_way(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "hello"})
    assert (await rig.sync(site)).outcome == "good"
    now = rig.ports.clock.now()
    point(rig, site, "lima")
    await rig.ports.store.copies.set_active({site.name: "lima"}, now)
    for engine in ENGINES:
        sql(rig, site, "lima", engine, "INSERT INTO entries (text) VALUES ('written after')")
    serving = await serving_known(rig.ports)
    result = await sync_one(rig.ports, site, "oslo", SyncRequest(who=WHO), serving, lambda _: None)
    assert (result.outcome, result.source, result.mirror) == ("good", "lima", "oslo"), result
    for engine in ENGINES:
        assert sql(rig, site, "oslo", engine, "SELECT count(*) FROM entries WHERE text = 'written after'") == "1"
