"""The record, as people ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from incidents.conftest import type_in

from core.errors import UsageError
from core.reply import Table

if TYPE_CHECKING:
    from watch.conftest import Stage


async def test_as_many_entries_are_shown_as_were_asked_for_the_newest_last(quiet_stage: Stage) -> None:
    for number in range(4):
        await quiet_stage.store.record.add(quiet_stage.clock.now(), "test.done", f"one{number}", "bot:test", {})
    reply = await type_in(quiet_stage, "history --last 2")
    (table,) = (part for part in reply.parts if isinstance(part, Table))
    assert (reply.title, [row.cells[2] for row in table.rows]) == ("The last 2 entries", ["one2", "one3"])


@pytest.mark.parametrize("number", ["0", "-3"])
async def test_no_entries_at_all_are_refused_with_an_example(quiet_stage: Stage, number: str) -> None:
    with pytest.raises(UsageError, match="at least one entry") as refused:
        await type_in(quiet_stage, f"history --last {number}")
    assert "history --last 50" in refused.value.hint
