r"""A dump is what another server has written: where it is loaded it fills a fresh database, and does nothing else.

Each dump here is a real one with something in it that no dump has. `PROOF` is a file that whatever it does would make.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from databases.harness import ENGINES, name_of, of, sql, turn, ways
from databases.wire import Wire, over

from core.databases.copies import DatabaseCopy
from core.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync.harness import Rig

    from core.fleet import Site
    from ops.contracts import End, Ran

PROOF = "/tmp/proof"
COMMANDS = {
    "mariadb": [
        rf"\! touch {PROOF}",
        f"system touch {PROOF}",
        rf"SELECT 1 \! touch {PROOF}",
        rf"\. {PROOF}.sql",
        f"source {PROOF}.sql",
        rf"\T {PROOF}",
        rf"\P touch {PROOF}",
        f"SELECT 1 INTO OUTFILE '{PROOF}';",
        "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE marker (text);",
        "CREATE DEFINER=root@localhost PROCEDURE take() GRANT ALL ON *.* TO CURRENT_USER; CALL take();",
        "/*!50013 DEFINER=`a`@`b`*/ CREATE DEFINER=root@localhost FUNCTION f() RETURNS INT RETURN 1;",
        "GRANT ALL ON *.* TO CURRENT_USER;",
        "SET GLOBAL general_log = 1;",
    ],
    "postgresql": [
        rf"\! touch {PROOF}",
        rf"SELECT 1 \! touch {PROOF}",
        rf"SELECT 1 \g |touch {PROOF}",
        rf"\o |touch {PROOF}",
        rf"\set made `touch {PROOF}`",
        rf"\copy (SELECT 1) TO PROGRAM 'touch {PROOF}'",
        rf"\i {PROOF}.sql",
        r"\connect postgres",
        f"SELECT 'touch {PROOF}' \\gexec",
        "\\restrict a\n\\unrestrict a\n" + rf"\! touch {PROOF}",
        "\\unrestrict sharpnet\n" + rf"\! touch {PROOF}",
        f"COPY (SELECT 1) TO PROGRAM 'touch {PROOF}';",
        f"COPY (SELECT 1) TO '{PROOF}';",
        "SELECT pg_read_file('/etc/hostname');",
        "SET ROLE postgres;",
        "DROP DATABASE postgres;",
        f"CREATE FUNCTION made() RETURNS int LANGUAGE C AS '{PROOF}', 'made';",
    ],
}
DUMPERS = {"mariadb": "mariadb-dump", "postgresql": "pg_dump"}
FIRST, MIDDLE, LAST = "first", "in the middle", "last"


@dataclass
class Dump:
    """A real dump of a site's database on oslo, and what of it is tried on lima."""

    rig: Rig
    site: Site
    engine: str
    text: bytes

    @classmethod
    async def of(cls, rig: Rig, engine: str) -> Dump:
        site = rig.take()
        line, first = ways(rig).dump_line(of(site, engine), "oslo")
        saved = await rig.ports.ssh.run("oslo", line, timeout_s=60, stdin=first)
        assert saved.exit_code == 0, saved
        await rig.ports.ssh.put("lima", {f"{PROOF}.sql": f"CREATE TABLE {PROOF[5:]} (id INT);".encode()}, timeout_s=60)
        return cls(rig, site, engine, saved.out)

    async def restored(self, text: bytes, run: str) -> DatabaseCopy | Failure:
        path = f"/tmp/{name_of(self.site)}-{self.engine}.sql"
        await self.rig.ports.ssh.put("lima", {path: text}, timeout_s=60)
        ask = await turn(self.rig, self.site, "lima")
        at = self.rig.ports.clock.now()
        return await ways(self.rig).restore(of(self.site, self.engine), "lima", path, "oslo", run, at, ask)

    def with_line(self, line: str, where: str) -> bytes:
        end = b"-- Dump completed" if self.engine == "mariadb" else b"--\n-- PostgreSQL database dump complete"
        # Right after the first rows.
        middle = b"UNLOCK TABLES;\n" if self.engine == "mariadb" else b"\n\\.\n"
        at = {FIRST: 0, MIDDLE: self.text.index(middle) + len(middle), LAST: self.text.rindex(end)}[where]
        return self.text[:at] + line.encode() + b"\n" + self.text[at:]

    async def proof(self) -> str:
        return (await self.rig.ports.ssh.run("lima", f"ls {PROOF}", timeout_s=60)).out.decode()


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_dump_with_a_command_in_it_is_not_loaded_and_the_command_is_not_run(rig: Rig, engine: str) -> None:
    dump = await Dump.of(rig, engine)
    good = await dump.restored(dump.text, "good")
    assert isinstance(good, DatabaseCopy), good
    for command in COMMANDS[engine]:
        for where in (FIRST, MIDDLE, LAST):
            result = await dump.restored(dump.with_line(command, where), f"{command} {where}")
            assert isinstance(result, Failure), (command, where)
            assert await dump.proof() == "", (command, where)
    assert sql(rig, dump.site, "lima", engine, "SELECT text FROM marker") == dump.site.name


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_source_that_sends_a_command_is_said_and_the_mirror_keeps_its_copy(rig: Rig, engine: str) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"index.html": "hello"})
    assert (await rig.sync(site)).outcome == "good"

    class Hostile(Wire):
        async def stream(
            self, source: End, sink: End, *, timeout_s: float, on_bytes: Callable[[int], None] | None = None
        ) -> tuple[Ran, Ran]:
            if DUMPERS[engine] in source.command:
                sent = f"printf '%s\\n' {shlex.quote(COMMANDS[engine][0])}; {source.command}"
                source = replace(source, command=sent)
            return await self.ssh.stream(source, sink, timeout_s=timeout_s, on_bytes=on_bytes)

    result = await over(rig, Hostile(rig.ports.ssh)).sync(site)
    assert result.trouble is not None, result
    assert not (await rig.ports.ssh.run("lima", f"ls {PROOF}", timeout_s=60)).out
    assert sql(rig, site, "lima", engine, "SELECT text FROM marker") == site.name
    assert (await rig.sync(site)).outcome == "good"
