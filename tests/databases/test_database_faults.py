"""What goes wrong with databases: the mirror's are the ones before or those after, and the next run settles it."""

from __future__ import annotations

import asyncio
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from databases.harness import ENGINES, ODD, name_of, of, sql, turn, ways
from databases.wire import DiedError, Wire, over

from core.databases.copies import DatabaseCopy
from core.failure import Failure
from core.fleet import Hook, Hooks
from ops.contracts import Ran
from ops.work_folder import Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync.harness import Rig

    from core.fleet import Site
    from ops.contracts import End

OBJECTS = """
CREATE VIEW a_view AS SELECT text FROM marker;
DELIMITER ;;
CREATE TRIGGER watcher BEFORE INSERT ON marker FOR EACH ROW BEGIN SET NEW.text = CONCAT(NEW.text, '!'); END;;
CREATE PROCEDURE how_many() BEGIN SELECT COUNT(*) FROM marker; END;;
CREATE EVENT tick ON SCHEDULE EVERY 1 DAY DO DELETE FROM marker WHERE id > 1000;;
DELIMITER ;
"""


async def begun(rig: Rig) -> Site:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "before"})
    result = await rig.sync(site)
    assert result.outcome == "good", result
    return site


def cut_before(statement: str) -> Callable[[str, bytes], tuple[bytes, bool]]:
    """Let a database server die with the bot right before `statement` of an exchange."""

    def change(_: str, stdin: bytes) -> tuple[bytes, bool]:
        # The journal holds the last of them too, earlier.
        at = stdin.rfind(statement.encode())
        if at < 0:
            return stdin, False
        return stdin[:at] + b"\n-- sharpnet: all of it\n", True

    return change


BEFORE_THE_TABLES_MOVE = [
    "CREATE TABLE `dock_",
    "INSERT INTO `dock_",
    "DROP EVENT `dock`",
    "DROP VIEW `dock`",
    "RENAME TABLE",
]
AFTER_IT = ["USE `dock`", "/*!50001 CREATE VIEW"]


async def test_an_exchange_in_mariadb_that_dies_at_any_statement_is_brought_to_an_end_or_back(rig: Rig) -> None:
    site = rig.ports.fleet.sites["fjord.example"]
    database = of(site, "mariadb")
    sql(rig, site, "oslo", "mariadb", OBJECTS)
    first = await ways(rig).load(database, "oslo", "lima", "first", lambda _: None)
    assert not isinstance(first, Failure), first
    ask = await turn(rig, site, "lima")
    assert isinstance(await ways(rig).publish([first], "first", rig.ports.clock.now(), ask), tuple)
    for statement in BEFORE_THE_TABLES_MOVE + AFTER_IT:
        sql(rig, site, "lima", "mariadb", "UPDATE marker SET text = 'old'")
        ready = await ways(rig).load(database, "oslo", "lima", statement, lambda _: None)
        assert not isinstance(ready, Failure), ready
        dying = replace(ways(rig), ssh=Wire(rig.ports.ssh, cut_before(statement)))
        with pytest.raises(DiedError):
            await dying.publish([ready], statement, rig.ports.clock.now(), ask)
        found = await ways(rig).look(database, "lima")
        assert not isinstance(found, Failure), found
        assert found.tables == {"marker", "entries", "a_view"}
        text = sql(rig, site, "lima", "mariadb", "SELECT text FROM a_view")
        assert text == ("fjord.example" if statement in AFTER_IT else "old"), statement
        assert sql(rig, site, "lima", "mariadb", "CALL how_many()") == "1"
        count = "SELECT COUNT(*) FROM information_schema.{0}S WHERE {0}_SCHEMA = DATABASE()"
        kinds = [sql(rig, site, "lima", "mariadb", count.format(kind)) for kind in ("TRIGGER", "EVENT")]
        assert kinds == ["1", "1"], statement
    assert (await rig.sync(site)).outcome == "good"
    kept = await ways(rig).kept(database, "lima")
    assert isinstance(kept, tuple)
    beside = sql(rig, site, "lima", "mariadb", "SHOW DATABASES LIKE 'dock%sharpnet%'").split()
    assert set(beside) == {one.name for one in kept}


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_bot_that_dies_after_any_command_leaves_the_database_before_or_after(rig: Rig, engine: str) -> None:
    site = await begun(rig)
    database = of(site, engine)
    sql(rig, site, "oslo", engine, "UPDATE marker SET text = 'after'")
    ask = await turn(rig, site, "lima")
    steps, died = 0, True
    while died:
        steps += 1
        left = [steps]

        def change(_: str, stdin: bytes, left: list[int] = left) -> tuple[bytes, bool]:
            left[0] -= 1
            return stdin, left[0] == 0

        ready = await ways(rig).load(database, "oslo", "lima", f"run {steps}", lambda _: None)
        assert not isinstance(ready, Failure), ready
        dying = replace(ways(rig), ssh=Wire(rig.ports.ssh, change))
        sql(rig, site, "lima", engine, "UPDATE marker SET text = 'before'")
        try:
            await dying.publish([ready], f"run {steps}", rig.ports.clock.now(), ask)
            died = False
        except DiedError:
            pass
        assert sql(rig, site, "lima", engine, "SELECT text FROM marker") in ("before", "after")
        assert sql(rig, site, "lima", engine, "SELECT count(*) FROM entries") == "200"
    assert steps > 2
    assert (await rig.sync(site)).outcome == "good"
    assert sql(rig, site, "lima", engine, "SELECT text FROM marker") == "after"


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_database_is_not_exchanged_for_a_run_that_was_overtaken_or_comes_too_late(
    rig: Rig, engine: str
) -> None:
    site = await begun(rig)
    database, now = of(site, engine), rig.ports.clock.now()
    first = await turn(rig, site, "lima", "first")
    sql(rig, site, "oslo", engine, "UPDATE marker SET text = 'after'")
    for run in ("late", "overtaken"):
        ready = await ways(rig).load(database, "oslo", "lima", run, lambda _: None)
        assert not isinstance(ready, Failure), ready
        if run == "overtaken":
            await turn(rig, site, "lima", "second")

        async def ask(run: str = run) -> Turn | Failure:
            asked = await first()
            return replace(asked, latest=0) if run == "late" and isinstance(asked, Turn) else asked

        refused = await ways(rig).publish([ready], run, now, ask)
        assert isinstance(refused, Failure)
        assert (str(refused.code), refused.refused) == ("too-late" if run == "late" else "overtaken", True)
        assert sql(rig, site, "lima", engine, "SELECT text FROM marker") == site.name
        assert await ways(rig).give_up([ready]) is None


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_is_written_while_it_is_dumped_is_there_whole_or_not_at_all(rig: Rig, engine: str) -> None:
    site = rig.take()
    own = f"SET ROLE {name_of(site)};" if engine == "postgresql" else ""
    sql(rig, site, "oslo", engine, f"{own} CREATE TABLE twin (id INT PRIMARY KEY)")
    writing = True

    async def write() -> None:
        number = 1000
        while writing:
            number += 1
            both = "BEGIN; INSERT INTO entries (id, text) VALUES (#, 'x'); INSERT INTO twin VALUES (#); COMMIT"
            await asyncio.to_thread(sql, rig, site, "oslo", engine, both.replace("#", str(number)))

    writer = asyncio.create_task(write())
    await asyncio.sleep(0.3)
    ready = await ways(rig).load(of(site, engine), "oslo", "lima", "while written", lambda _: None)
    writing = False
    await writer
    assert not isinstance(ready, Failure), ready
    ask = await turn(rig, site, "lima")
    assert isinstance(await ways(rig).publish([ready], "while written", rig.ports.clock.now(), ask), tuple)
    counts = sql(
        rig, site, "lima", engine, "SELECT count(*) FROM twin; SELECT count(*) FROM entries WHERE id > 1000"
    ).split()
    assert counts[0] == counts[1] != "0"


async def test_a_mirror_that_dies_while_it_is_loaded_has_what_it_had(rig: Rig) -> None:
    site = await begun(rig)
    for engine in ENGINES:
        for _ in range(6):
            sql(rig, site, "oslo", engine, "INSERT INTO entries (text) SELECT text FROM entries")

    class Dropping(Wire):
        async def stream(
            self, source: End, sink: End, *, timeout_s: float, on_bytes: Callable[[int], None] | None = None
        ) -> tuple[Ran, Ran]:
            # It would be over before anybody could drop a server.
            slow = replace(source, command=f"sh -c {shlex.quote(source.command)} | {{ head -c 20000; sleep 5; cat; }}")
            under_way = asyncio.create_task(self.ssh.stream(slow, sink, timeout_s=timeout_s, on_bytes=on_bytes))
            await asyncio.sleep(1)
            await asyncio.to_thread(rig.lab.drop, "lima")
            return await under_way

    result = await over(rig, Dropping(rig.ports.ssh)).sync(site)
    assert result.outcome == "failed", result
    await asyncio.to_thread(rig.lab.back, "lima")
    for engine in ENGINES:
        assert sql(rig, site, "lima", engine, "SELECT count(*) FROM entries") == "200"
    again = await rig.sync(site)
    assert again.outcome == "good", again
    beside = rig.lab.sql("lima", "mariadb", name_of(site), "SHOW DATABASES LIKE '%new%'").strip()
    assert beside == ""


async def test_files_that_cannot_be_put_in_place_take_the_databases_back_with_them(rig: Rig) -> None:
    site = await begun(rig)
    rig.write(site, "oslo", {"index.html": "after"})
    for engine in ENGINES:
        sql(rig, site, "oslo", engine, "UPDATE marker SET text = 'after'")

    def change(command: str, stdin: bytes) -> tuple[bytes, bool] | Ran:
        return Ran(90, b"", b"sharpnet-stop: not-exchanged\n") if "mv --exchange" in command else (stdin, False)

    result = await over(rig, Wire(rig.ports.ssh, change)).sync(site)
    assert result.trouble is not None
    assert (result.outcome, result.trouble.code) == ("failed", "not-exchanged")
    for engine in ENGINES:
        assert sql(rig, site, "lima", engine, "SELECT text FROM marker") == site.name
    assert (await rig.sync(site)).outcome == "good"
    for engine in ENGINES:
        assert sql(rig, site, "lima", engine, "SELECT text FROM marker") == "after"


async def test_no_password_is_on_a_command_line_or_in_the_record(rig: Rig) -> None:
    site = rig.ports.fleet.sites[ODD]
    wire = Wire(rig.ports.ssh)
    assert (await over(rig, wire).sync(site)).outcome == "good"
    record = str(await rig.ports.store.record.entries())
    for database in site.databases:
        assert database.password is not None
        password = ways(rig).secret(database.password)
        assert len(password) > 3
        assert not [command for command in wire.commands if password in command]
        assert password not in record


async def test_trouble_is_said_as_what_it_is(rig: Rig) -> None:
    odd, site = rig.ports.fleet.sites[ODD], rig.take()
    for database in odd.databases:
        wrong = replace(ways(rig), secret=lambda _: "wr'o\"ng\\")
        found = await wrong.look(database, "lima")
        assert isinstance(found, Failure)
        assert found.code == "database-login", found
        assert "wr'o" not in str(found)
    for database in site.databases:
        down = await ways(rig).look(replace(database, socket="/run/nobody-listens"), "lima")
        assert isinstance(down, Failure)
        assert down.code == "database-down", down
        missing = await ways(rig).load(replace(database, name="nowhere"), "oslo", "lima", "run", lambda _: None)
        assert isinstance(missing, Failure)
        assert missing.code == "no-database", missing
    rig.lab.sql("lima", "postgresql", "", "ALTER ROLE cook NOCREATEDB")
    result = await rig.sync(odd)
    rig.lab.sql("lima", "postgresql", "", "ALTER ROLE cook CREATEDB")
    assert result.trouble is not None
    assert result.trouble.code == "database-rights", result.trouble


async def test_the_documented_hook_wakes_events_after_a_move(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "hello"})
    sql(rig, site, "oslo", "mariadb", OBJECTS)
    assert (await rig.sync(site)).outcome == "good"
    page = Path(__file__).parents[2] / "docs/databases.md"
    found = re.search(r"run: >-\n((?: {12}.*\n)+)", page.read_text())
    assert found is not None
    line = " ".join(found[1].split()).replace("shop", name_of(site))
    assert (await rig.ports.ssh.run("lima", line, timeout_s=30)).exit_code == 0
    statuses = "SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()"
    assert sql(rig, site, "lima", "mariadb", statuses) == "ENABLED"


async def test_sessions_in_the_mirrors_postgresql_do_not_stop_a_copy(rig: Rig) -> None:
    site = await begun(rig)
    login = f"psql -h /run/lima-postgresql -U {name_of(site)} -d {name_of(site)} -c 'SELECT pg_sleep(60)'"
    sleeping = asyncio.create_task(rig.ports.ssh.run("lima", login, timeout_s=90))
    await asyncio.sleep(0.3)
    assert (await rig.sync(site)).outcome == "good"
    assert b"terminat" in (await sleeping).err


async def test_roles_that_the_mirror_lacks_are_named_and_all_else_is_copied(rig: Rig) -> None:
    site = rig.take()
    rig.lab.sql("oslo", "postgresql", "", f"CREATE ROLE only_here; GRANT only_here TO {name_of(site)}")
    sql(rig, site, "oslo", "postgresql", "ALTER TABLE marker OWNER TO only_here")
    result = await rig.sync(site)
    assert result.outcome == "good", result
    assert any("only_here" in note for copy in result.databases for note in copy.notes)
    assert sql(rig, site, "lima", "postgresql", "SELECT text FROM marker") == site.name
    database, path = of(site, "postgresql"), "/tmp/of-another-server.sql"
    line, first = ways(rig).dump_line(database, "oslo")
    saved = await rig.ports.ssh.run("oslo", line, timeout_s=60, stdin=first)
    assert b"OWNER TO only_here" in saved.out
    await rig.ports.ssh.put("lima", {path: saved.out}, timeout_s=60)
    sql(rig, site, "lima", "postgresql", "UPDATE marker SET text = 'newer'")
    ask = await turn(rig, site, "lima")
    copy = await ways(rig).restore(database, "lima", path, "oslo", "from afar", rig.ports.clock.now(), ask)
    assert isinstance(copy, DatabaseCopy), copy
    assert sql(rig, site, "lima", "postgresql", "SELECT text FROM marker") == site.name


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_dump_is_restored_in_place_of_what_is_there_once(rig: Rig, engine: str) -> None:
    site = rig.take()
    database, databases = of(site, engine), ways(rig)
    line, first = databases.dump_line(database, "oslo")
    path = f"/tmp/{name_of(site)} {engine}.sql"
    saved = await rig.ports.ssh.run("oslo", f"({line}) >'{path}'", timeout_s=60, stdin=first)
    assert saved.exit_code == 0, saved
    sql(rig, site, "oslo", engine, "UPDATE marker SET text = 'newer'")
    ask = await turn(rig, site, "oslo")
    for _ in range(2):
        copy = await databases.restore(database, "oslo", path, "oslo", "a restore", rig.ports.clock.now(), ask)
        assert isinstance(copy, DatabaseCopy), copy
        assert sql(rig, site, "oslo", engine, "SELECT text FROM marker") == site.name
    kept = await databases.kept(database, "oslo")
    assert isinstance(kept, tuple)
    assert [one.name for one in kept] == [copy.kept]
    await rig.ports.ssh.run("oslo", f"head -c 700 '{path}' >'{path}.torn'", timeout_s=60)
    torn = await databases.restore(database, "oslo", f"{path}.torn", "oslo", "another", rig.ports.clock.now(), ask)
    assert isinstance(torn, Failure)
    assert sql(rig, site, "oslo", engine, "SELECT text FROM marker") == site.name


async def test_a_hook_before_a_sync_stops_it_and_one_after_it_is_told(rig: Rig) -> None:
    site = replace(rig.take(), databases=())
    rig.write(site, "oslo", {"index.html": "hello"})
    before = replace(site, hooks=Hooks(before_sync=(Hook("source", "echo no room; exit 3"),)))
    refused = await rig.with_sites(before).sync(before)
    assert refused.trouble is not None
    assert (refused.outcome, refused.trouble.code) == ("refused", "hook-failed")
    assert "no room" in refused.trouble.message
    assert not (rig.root(site, "lima") / "index.html").exists() or not rig.same(site)
    after = replace(site, hooks=Hooks(after_sync=(Hook("target", "echo cold cache; exit 1"),)))
    good = await rig.with_sites(after).sync(after)
    assert good.outcome == "good", good
    assert any("cold cache" in remark for remark in good.remarks)
    card = await rig.ports.store.cards.get(f"hook:{site.name}>lima")
    assert card is not None
    assert re.search("was copied from oslo to lima, but", card.reply.title)
    well = replace(site, hooks=Hooks(after_sync=(Hook("target", "true"),)))
    assert (await rig.with_sites(well).sync(well)).remarks == ()
    card = await rig.ports.store.cards.get(f"hook:{site.name}>lima")
    assert card is not None
    assert "work again" in card.reply.title
