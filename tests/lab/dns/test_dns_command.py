"""`dns`, asked of real name servers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from commands import answer
from core.errors import UsageError
from core.people import Person
from core.reply import Table, Text

if TYPE_CHECKING:
    from core.reply import Reply
    from ops.ports import Ports
    from tests.lab.dns.conftest import View

SOMEONE = Person("someone", "terminal", frozenset())


async def ask(view: View, *words: str, active: dict[str, str] | None = None) -> Reply:
    async def where() -> dict[str, str]:
        return active or {}

    store = SimpleNamespace(copies=SimpleNamespace(active=where))
    ports = cast("Ports", SimpleNamespace(fleet=view.fleet, dns=view.dns, store=store))
    return await answer(["dns", *words], SOMEONE, "terminal", ports)


def facts(reply: Reply) -> dict[str, Any]:
    return cast("dict[str, Any]", reply.facts)


def texts(reply: Reply) -> str:
    return "\n".join(part.text for part in reply.parts if isinstance(part, Text))


def cells(reply: Reply) -> list[tuple[str, ...]]:
    return [row.cells for part in reply.parts if isinstance(part, Table) for row in part.rows]


async def test_name_servers_that_agree_are_said_to_agree(shared: View) -> None:
    reply = await ask(shared)
    assert reply.title == "All 3 name servers agree with the update server on 4 zones"
    assert reply.exit_code == 0
    assert [server["state"] for server in facts(reply)["nameservers"]] == ["in step"] * 3


async def test_one_zone_is_shown_name_by_name(shared: View) -> None:
    reply = await ask(shared, "ski.example")
    assert ("ski.example", "A", shared.fleet.servers["oslo"].ipv4) in cells(reply)
    assert [zone["zone"] for zone in facts(reply)["zones"]] == ["ski.example"]


async def test_a_name_stands_for_its_zone_and_a_misspelt_one_gets_the_nearest(shared: View) -> None:
    reply = await ask(shared, "WWW.fjord.example.")
    assert [zone["zone"] for zone in facts(reply)["zones"]] == ["fjord.example"]
    with pytest.raises(UsageError) as caught:
        await ask(shared, "sky.exmple")
    assert "ski.example" in caught.value.hint


async def test_a_dead_name_server_and_a_frozen_one_are_named_and_the_others_still_told(own: View) -> None:
    own.lab.drop("ns1")
    own.lab.freeze("ns2")
    reply = await ask(own)
    assert reply.exit_code == 1
    assert reply.title.startswith("2 of 3 name servers out of step on 4 zones: ns1 (silent), ns2 (silent)")
    states = {server["name"]: server["state"] for server in facts(reply)["nameservers"]}
    assert states == {"ns1": "silent", "ns2": "silent", "ns3": "in step"}


async def test_where_the_update_server_is_dead_the_name_servers_are_compared_among_themselves(own: View) -> None:
    own.lab.drop("primary")
    reply = await ask(own)
    assert reply.exit_code == 1
    assert reply.title == "3 name servers agree on 4 zones, but the update server does not answer"


async def test_names_that_point_elsewhere_than_their_site_and_other_names_are_listed(own: View) -> None:
    oslo, lima = (own.fleet.servers[name].ipv4 for name in ("oslo", "lima"))
    own.by_hand(
        "fjord.example",
        f"update delete fjord.example. A\nupdate add fjord.example. 300 A {lima}",
        f"update delete shop.fjord.example. A\nupdate add shop.fjord.example. 7200 A {lima}",
        f"update add ftp.fjord.example. 300 A {oslo}",
    )
    reply = await ask(own, "fjord.example", active={"fjord.example": "lima"})
    left = [one["name"] for one in facts(reply)["pointing"] if one["left_behind"]]
    assert left == ["www.fjord.example"]
    assert "Other names that point at oslo (1): ftp.fjord.example" in texts(reply)
    assert "shop.fjord.example A 7200 s" in texts(reply)


async def test_a_zone_that_may_not_be_transferred_is_said_not_to_be_read_whole(own: View) -> None:
    own.dns = own.open(tsig=None)
    reply = await ask(own, "ski.example")
    assert reply.exit_code == 0
    assert "Not read whole" in texts(reply)
