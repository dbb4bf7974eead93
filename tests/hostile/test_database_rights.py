"""A dump is loaded with rights to its own database, and what is in it gets no more by that."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from databases.harness import ENGINES, name_of, of, sql, ways
from databases.wire import Wire, over

from core.failure import Failure
from ops.gather.database_check import database_findings

if TYPE_CHECKING:
    from sync.harness import Rig

    from core.fleet import Database, Site
    from ops.contracts import Ran

STRONG = {
    "mariadb": [
        ("GRANT SET USER ON *.* TO {}@localhost", "SET USER on everything"),
        ("GRANT ALL ON *.* TO {}@localhost WITH GRANT OPTION", "ALL PRIVILEGES on everything"),
        ("GRANT FILE ON *.* TO {}@localhost", "FILE on everything"),
        ("GRANT SELECT ON mysql.global_priv TO {}@localhost", "SELECT on mysql.global_priv"),
        ("GRANT INSERT ON `%`.* TO {}@localhost", "INSERT on %.*"),
        ("CREATE ROLE strong; GRANT strong TO {}@localhost", "`strong`"),
    ],
    "postgresql": [
        ("ALTER ROLE {} SUPERUSER", "SUPERUSER"),
        ("ALTER ROLE {} CREATEROLE", "CREATEROLE"),
        ("GRANT pg_execute_server_program TO {}", "pg_execute_server_program"),
        ("CREATE ROLE strong SUPERUSER; GRANT strong TO {}", "SUPERUSER as strong"),
    ],
}
WEAK = {
    "mariadb": "REVOKE ALL, GRANT OPTION FROM {0}@localhost; DROP ROLE IF EXISTS strong;"
    " GRANT ALL ON {0}.* TO {0}@localhost; GRANT ALL ON `{0}\\_sharpnet\\_%`.* TO {0}@localhost",
    "postgresql": "ALTER ROLE {0} NOSUPERUSER NOCREATEROLE; REVOKE pg_execute_server_program FROM {0};"
    " DROP ROLE IF EXISTS strong",
}


# A site that no test takes.
OTHER = "d14"


async def loaded(rig: Rig, database: Database, run: str) -> Failure | None:
    ready = await ways(rig).load(database, "oslo", "lima", run, lambda _: None)
    if isinstance(ready, Failure):
        return ready
    await ways(rig).give_up([ready])
    return None


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_user_who_may_do_more_than_a_copy_needs_loads_none_and_a_dry_run_says_so(rig: Rig, engine: str) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "hello"})
    database, user = of(site, engine), name_of(site)
    for grant, power in STRONG[engine]:
        rig.lab.sql("lima", engine, "", grant.format(user))
        refused, tried = await loaded(rig, database, grant), await rig.sync(site, dry_run=True)
        rig.lab.sql("lima", engine, "", WEAK[engine].format(user))
        assert refused is not None, grant
        assert tried.trouble == refused
        assert (str(refused.code), refused.refused) == ("too-many-rights", True), refused
        assert power in refused.message
    assert await loaded(rig, database, "weak") is None
    assert (await rig.sync(site, dry_run=True)).trouble is None


def shared(site: Site, engine: str) -> Database:
    """Give the database as somebody has it who leaves it to the SSH user, as for all other sites."""
    return replace(of(site, engine), user=None)


def let_in(rig: Rig, site: Site) -> None:
    for server, user in (("oslo", "web"), ("lima", "deploy")):
        for one in (name_of(site), OTHER):
            rig.lab.sql(server, "postgresql", "", f"GRANT {one} TO {user}")
            for pattern in (one, f"{one}\\_sharpnet\\_%"):
                rig.lab.sql(server, "mariadb", "", f"GRANT ALL ON `{pattern}`.* TO {user}@localhost")


async def test_what_a_customer_made_does_not_get_the_rights_of_a_user_whom_sites_share(rig: Rig) -> None:
    site = rig.take()
    let_in(rig, site)
    mariadb, postgresql = shared(site, "mariadb"), shared(site, "postgresql")
    assert await loaded(rig, mariadb, "none of it") is None
    assert await loaded(rig, postgresql, "none of it") is None
    reading = "CREATE DEFINER=#@localhost PROCEDURE reading() SELECT * FROM d14.entries"
    sql(rig, site, "oslo", "mariadb", reading.replace("#", name_of(site)))
    rig.lab.sql("oslo", "postgresql", "", "CREATE ROLE somebody")
    sql(rig, site, "oslo", "postgresql", "ALTER TABLE marker OWNER TO somebody")
    for database in (mariadb, postgresql):
        refused = await loaded(rig, database, "somebody's")
        assert refused is not None
        assert str(refused.code) == "database-definer", refused
        assert "a database user of its own" in refused.hint


async def test_what_belonged_to_others_belongs_to_the_sites_own_user_and_that_is_said(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "hello"})
    own = f"{name_of(site)}@localhost"
    made = """
        CREATE USER IF NOT EXISTS `it's ``odd```@localhost;
        CREATE VIEW of_root AS SELECT text FROM marker;
        CREATE DEFINER=`it's ``odd```@localhost FUNCTION odd() RETURNS INT RETURN 1;
        CREATE DEFINER=`it's ``odd```@localhost TRIGGER odd BEFORE INSERT ON marker FOR EACH ROW SET NEW.id = NEW.id;
        CREATE EVENT tick ON SCHEDULE EVERY 1 DAY DO DELETE FROM marker WHERE id > 1000;
        CREATE DEFINER=# VIEW own AS SELECT text FROM marker;"""
    sql(rig, site, "oslo", "mariadb", made.replace("#", own))
    for _ in range(2):
        result = await rig.sync(site)
        assert result.outcome == "good", result
        (said,) = (note for copy in result.databases for note in copy.notes)
        assert "what belonged to it?s `odd`@localhost, root@localhost belongs to the bot's user" in said
    whose = """
        SELECT DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE() UNION ALL
        SELECT DEFINER FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() UNION ALL
        SELECT DEFINER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() UNION ALL
        SELECT DEFINER FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()"""
    assert sql(rig, site, "lima", "mariadb", whose).split() == [own] * 5
    assert sql(rig, site, "lima", "mariadb", "SELECT text FROM of_root") == site.name


LIES = {
    "mariadb": [(b"_ci\n", b"_ci; CREATE DATABASE made\n"), (b"like\t", b"like\t\tx")],
    "postgresql": [(b"UTF8\tc", b"a lot\tc"), (b"table\t", b"table\tnothing")],
}


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_a_source_says_of_its_database_is_no_statement_on_the_mirror(rig: Rig, engine: str) -> None:
    site = rig.take()
    lie: tuple[bytes, bytes]

    class Lying(Wire):
        async def run(self, server: str, command: str, **rest: object) -> Ran:  # type: ignore[override]
            ran = await self.ssh.run(server, command, **rest)  # type: ignore[arg-type]
            return replace(ran, out=ran.out.replace(*lie)) if server == "oslo" else ran

    for lie in LIES[engine]:
        refused = await loaded(over(rig, Lying(rig.ports.ssh)), of(site, engine), str(lie))
        assert refused is not None, lie
        assert "that no database server gives" in refused.message or "not a valid" in refused.hint, refused
    if engine == "postgresql":
        lie = (b"role\t", b"setting\t" + b"search_path=a; CREATE ROLE made; --".hex().encode() + b"\nrole\t")
        assert await loaded(over(rig, Lying(rig.ports.ssh)), of(site, engine), "setting") is None
        assert rig.lab.sql("lima", engine, "", "SELECT count(*) FROM pg_roles WHERE rolname = 'made'").strip() == "0"


async def test_names_that_hold_commands_are_copied_as_names(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "hello"})
    proof = "/tmp/proof-of-a-name"
    name = f"x\n\\! touch {proof}\n; DROP TABLE marker; --"
    made = f'CREATE TABLE "{name}" (id int); COMMENT ON TABLE "{name}" IS \'{name}\''
    sql(rig, site, "oslo", "postgresql", f"SET ROLE {name_of(site)}; {made}")
    quoted = name.replace("\n", " ")
    text = f"\n\\\\! touch {proof}\nsystem touch {proof}\n"
    sql(rig, site, "oslo", "mariadb", f"CREATE TABLE `{quoted}` (id INT COMMENT '{quoted}');")
    sql(rig, site, "oslo", "mariadb", f"DELIMITER ;;\nCREATE PROCEDURE p() BEGIN SELECT '{text}'; END;;")
    result = await rig.sync(site)
    assert result.outcome == "good", result
    assert not (await rig.ports.ssh.run("lima", f"ls {proof}", timeout_s=60)).out
    there = "SELECT count(*) FROM pg_class WHERE relname LIKE 'x_\\\\! touch%'"
    assert sql(rig, site, "lima", "postgresql", there) == "1"
    for engine in ENGINES:
        assert sql(rig, site, "lima", engine, "SELECT text FROM marker") == site.name


async def test_the_documented_hook_takes_an_events_name_for_a_name(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "hello"})
    proof = "/tmp/proof-of-an-event"
    event = "CREATE EVENT `a`` b\\! touch # c` ON SCHEDULE EVERY 1 DAY DO DELETE FROM marker WHERE id > 1000"
    sql(rig, site, "oslo", "mariadb", event.replace("#", proof))
    assert (await rig.sync(site)).outcome == "good"
    found = re.search(r"run: >-\n((?: {12}.*\n)+)", (Path(__file__).parents[2] / "docs/databases.md").read_text())
    assert found is not None
    line = " ".join(found[1].split()).replace("shop", name_of(site))
    ran = await rig.ports.ssh.run("lima", line, timeout_s=30)
    assert ran.exit_code == 0, ran
    assert not (await rig.ports.ssh.run("lima", f"ls {proof}", timeout_s=60)).out
    statuses = "SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()"
    assert sql(rig, site, "lima", "mariadb", statuses) == "ENABLED"


async def test_a_live_check_says_which_user_may_do_too_much_and_which_one_sites_share(rig: Rig) -> None:
    site, other = rig.take(), rig.take()
    let_in(rig, site)
    ports = rig.with_sites(replace(site, databases=(shared(site, "mariadb"), of(site, "postgresql")))).ports
    rig.lab.sql("lima", "postgresql", "", f"ALTER ROLE {name_of(other)} SUPERUSER")
    found = {finding.what: finding for finding in await database_findings(ports)}
    rig.lab.sql("lima", "postgresql", "", f"ALTER ROLE {name_of(other)} NOSUPERUSER")
    failed = [finding for finding in found.values() if not finding.ok]
    assert [finding.what for finding in failed] == [f"loading of the database {name_of(other)} on lima"]
    assert "SUPERUSER" in failed[0].why
    said = found["the database user deploy@localhost on lima"]
    assert said.ok
    assert said.warning
    assert "a dump of one site could change databases of others there:" in said.why
    assert f"{OTHER}, " in said.why
    assert "the database user web@localhost on oslo" in found
    assert {finding.what for finding in await database_findings(rig.ports)} == {
        "loading of 33 databases on lima",
        "loading of 33 databases on oslo",
    }
