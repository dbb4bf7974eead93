"""Ports, pings and transfers; and which of the checks a fleet asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from checks.harness import free_port, line_server, name_server, ports_at
from hypothesis import given
from hypothesis import strategies as st

from core.errors import OwnLackError
from core.fleet import Endpoint, HostLimits, ServerChecks
from ops.checks import all_checks, icmp
from ops.checks.transfers import transfers

if TYPE_CHECKING:
    from pathlib import Path


async def test_ports_that_accept_are_well_and_each_other_one_is_said() -> None:
    closed = free_port()
    async with line_server(b"", {}) as port:
        look = all_checks()["tcp"].look
        assert await look(ports_at(ServerChecks(tcp=(port,))), "one") == ()
        assert await look(ports_at(ServerChecks(tcp=(port, closed))), "one") == (
            f"TCP port {closed}: connection refused at port {closed}",
        )


async def test_a_machine_that_is_there_answers_pings() -> None:
    assert await all_checks()["icmp"].look(ports_at(ServerChecks(icmp=True)), "one") == ()
    assert await icmp.ping("::1", timeout_s=1) == ""


async def test_where_this_machine_has_no_way_there_it_is_nobody_elses_failure() -> None:
    # In the network of the tests nothing but loopback has a route.
    with pytest.raises(OwnLackError) as lacking:
        await icmp.ping("192.0.2.1", timeout_s=0.3)
    assert lacking.value.lack == "a network"


async def test_where_no_ping_may_be_sent_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(icmp, "open_socket", lambda _version: None)
    assert await all_checks()["icmp"].look(ports_at(ServerChecks(icmp=True)), "one") is None


@given(st.sampled_from([4, 6]), st.binary(max_size=64), st.booleans(), st.binary(min_size=16, max_size=16))
def test_no_other_datagram_counts_as_the_answer(version: int, datagram: bytes, raw: bool, payload: bytes) -> None:
    if payload not in datagram:
        assert not icmp.is_reply(datagram, version, payload, raw=raw)


async def test_a_name_server_that_lets_anybody_transfer_a_zone_is_said(tmp_path: Path) -> None:
    with name_server(tmp_path, transfers_to="any") as port:
        ports = ports_at(ServerChecks(), dns_port=port)
        assert await all_checks()["transfers"].look(ports, "ns1") == ("it lets anybody transfer shop.test",)


async def test_one_that_lets_nobody_is_well_and_one_that_is_gone_is_unknown(tmp_path: Path) -> None:
    with name_server(tmp_path, transfers_to="none") as port:
        ports = ports_at(ServerChecks(), dns_port=port)
        assert await all_checks()["transfers"].look(ports, "ns1") == ()
    assert await transfers(Endpoint("127.0.0.1", port), "shop.test", timeout_s=1) is None


def test_only_what_a_fleet_asks_for_is_looked_at() -> None:
    def asked(checks: ServerChecks) -> dict[str, timedelta]:
        fleet = ports_at(checks).fleet
        return {name: every for name, check in all_checks().items() for every in check.targets(fleet).values()}

    assert set(asked(ServerChecks(host=None))) == {"transfers"}
    host = HostLimits(every=timedelta(minutes=1))
    every = asked(ServerChecks(icmp=True, tcp=(80,), smtp=25, imap=143, host=host))
    assert set(every) == {"icmp", "tcp", "smtp", "imap", "host", "transfers"}
    assert (every["host"], every["tcp"]) == (timedelta(minutes=1), timedelta(seconds=30))
