"""The record, compared with what the status pages on real servers say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from record_anew import write_anew

from core.audit import anchor_text
from core.errors import UsageError

if TYPE_CHECKING:
    from pages.harness import Desk

    from core.reply import Reply


async def done(desk: Desk, *whos: str) -> None:
    for who in whos:
        await desk.ports.store.record.add(desk.ports.clock.now(), "test.done", "ski.example", who)


async def end(desk: Desk) -> tuple[int, str]:
    last = (await desk.ports.store.record.entries(last=1))[0]
    return last.seq, last.hash


def words(reply: Reply) -> str:
    return "\n".join([reply.title, *(str(part) for part in reply.parts)])


async def test_a_record_is_proven_up_to_where_the_newest_page_saw_it(desk: Desk) -> None:
    await done(desk, "ann", "bob")
    number, entry = await end(desk)
    await desk.say("page --put")
    assert desk.facts("lima")["record"] == {"number": number, "hash": entry}
    assert f"<code>{anchor_text(number, entry)}</code>" in desk.page("oslo")
    await done(desk, "cid", "dee")
    reply = await desk.say("history --verify")
    assert reply.exit_code == 0
    assert f"Proven up to entry {number} by the status page on " in words(reply)
    assert "; 3 entries since then by the chain alone." in words(reply)


@pytest.mark.parametrize("which", ["first", "last"])
async def test_a_record_that_was_written_anew_with_good_hashes_is_found_by_a_page(desk: Desk, which: str) -> None:
    await done(desk, "ann", "bob")
    number, _ = await end(desk)
    await desk.say("page --put")
    await write_anew(desk.ports.store, 1 if which == "first" else number)
    await done(desk, "cid")
    reply = await desk.say("history --verify")
    assert reply.exit_code == 1
    assert reply.title.startswith(f"The record was written anew: entry {number} is not the one of the status page on ")


async def test_without_a_page_it_is_said_that_the_chain_alone_was_checked(desk: Desk) -> None:
    await done(desk, "ann")
    reply = await desk.say("history --verify")
    assert reply.exit_code == 0
    assert "so only its chain was checked" in words(reply)


async def test_a_page_that_is_nonsense_or_on_a_dead_server_proves_nothing_and_harms_nothing(desk: Desk) -> None:
    await done(desk, "ann")
    await desk.say("page --put")
    (desk.root("oslo") / "status.json").write_text("{")
    reply = await desk.say("history --verify")
    assert "by the status page on lima" in words(reply)
    desk.lab.drop("lima")
    reply = await desk.say("history --verify")
    assert reply.exit_code == 0
    assert "so only its chain was checked" in words(reply)


async def test_what_somebody_has_noted_is_compared_too(desk: Desk) -> None:
    await done(desk, "ann", "bob")
    noted = anchor_text(*await end(desk))
    assert "by what you typed" in words(await desk.say(f"history --verify --anchor {noted}"))
    await write_anew(desk.ports.store, 1)
    reply = await desk.say(f"history --verify --anchor {noted}")
    assert reply.exit_code == 1
    assert "is not the one of what you typed" in reply.title


@pytest.mark.parametrize("line", ["history --verify --anchor 12", f"history --anchor 1:{'0' * 32}"])
async def test_an_anchor_that_is_none_or_compares_nothing_is_refused(desk: Desk, line: str) -> None:
    with pytest.raises(UsageError, match="--anchor"):
        await desk.say(line)
