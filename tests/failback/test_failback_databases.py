"""Of a site's databases it is shown what each server has, whether or not that can be asked; nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.reply import Table

if TYPE_CHECKING:
    from cutover.harness import Stage

SITE = "fjord.example"


async def test_each_database_is_shown_as_each_server_has_it(stocked: Stage) -> None:
    now = stocked.ports.clock.now()
    await stocked.ports.store.copies.quarantine([(SITE, "lima")], "left", now, "test")
    reply = await stocked.say(f"failback {SITE}")
    (table,) = (part for part in reply.parts if isinstance(part, Table) and part.columns[0] == "database")
    assert table.columns == ("database", "on lima", "on oslo")
    name, returned, served = table.rows[0].cells
    assert (name, returned[:8], served[:8]) == ("fjord", "0 tables", "2 tables")
    assert table.rows[1].cells[1].startswith("not known: ")
    assert stocked.lab.sql("oslo", "postgresql", "fjord", "SELECT count(*) FROM entries").strip() == "200"
