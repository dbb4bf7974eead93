"""The record, as people ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from incidents.conftest import type_in

from core.errors import UsageError
from core.fleet.target import Target
from core.incident.facts import OutageFacts
from core.reply import Reply, Table, Text
from ops.store.incident.outages import OutageClosing, OutageOpening

if TYPE_CHECKING:
    from watch.conftest import Stage


async def test_as_many_entries_are_shown_as_were_asked_for_the_newest_last(quiet_stage: Stage) -> None:
    for number in range(4):
        await quiet_stage.store.record.add(quiet_stage.clock.now(), "test.done", f"one{number}", "bot:test", {})
    reply = await type_in(quiet_stage, "history --last 2")
    (table,) = (part for part in reply.parts if isinstance(part, Table))
    assert (reply.title, [row.cells[2] for row in table.rows]) == ("The last 2 entries", ["one2", "one3"])


async def test_the_last_line_is_what_shows_the_entries_before(quiet_stage: Stage) -> None:
    for number in range(5):
        await quiet_stage.store.record.add(
            quiet_stage.clock.now(), "test.done", "a b", "bot:test", {"why": str(number)}
        )
    line, seen = "history --last 2 'a b'", []
    for _ in range(3):
        reply = await type_in(quiet_stage, line)
        (table,) = (part for part in reply.parts if isinstance(part, Table))
        seen.append([row.cells[4] for row in table.rows])
        texts = [part.text for part in reply.parts if isinstance(part, Text)]
        line = "".join(texts).removeprefix("What was before: `").removesuffix("`.") + " --last 2"
    assert seen == [["3", "4"], ["1", "2"], ["0"]]


async def test_an_entry_that_was_not_written_by_us_is_shown_all_the_same(quiet_stage: Stage) -> None:
    now = quiet_stage.clock.now()
    await quiet_stage.store.record.add(now, "test.done", "one", "bot:test", {})
    entry = "INSERT INTO record SELECT 99, 'x', 'k', 's', 'w', ?, 'b', 'h'"
    await quiet_stage.store._db.write(lambda transaction: transaction.execute(entry, ["[7]"]))
    reply = await type_in(quiet_stage, "history --last 1")
    (table,) = (part for part in reply.parts if isinstance(part, Table))
    assert table.rows[0].cells == ("x", "k", "s", "w", "this entry cannot be read")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("history --last 1001", "--last 1,001 is more than 1,000"),
        ("history --last 99999999999999999999", "is more than 1,000"),
        ("history --before 0", "number of an entry"),
        ("history --before 99999999999999999999", "number of an entry"),
    ],
)
async def test_what_has_no_bound_is_refused(quiet_stage: Stage, line: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        await type_in(quiet_stage, line)


async def test_a_thousand_entries_may_be_asked_for(quiet_stage: Stage) -> None:
    assert (await type_in(quiet_stage, "history --last 1000 nobody")).title == "Nothing on record about nobody"


async def test_no_more_of_the_newest_incidents_are_shown_than_the_answer_holds(
    quiet_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.incidents.MOST", 2)
    now = quiet_stage.clock.now()
    openings = [OutageOpening(Target.server(f"s{number}"), now, OutageFacts(why="silent")) for number in range(5)]
    outages = quiet_stage.store.outages
    made = await outages.open_many(openings, "bot:test", lambda _made: None, lambda _found: Reply("down"), now)
    over = [OutageClosing(one, now, OutageFacts(why="back")) for one in made[1:]]
    await outages.close_many(over, "bot:test", lambda _found: Reply("over"), now)
    title = (await type_in(quiet_stage, "incidents --all")).title
    assert title == "3 incidents; older ones are not counted, 1 of them open"
