"""Where DNS points, and which name servers lag, as asked of made-up name servers."""

from __future__ import annotations

from typing import Any, cast

import pytest

from core.errors import DnsError, TimedOutError
from core.fleet import DnsSettings, Endpoint, Fleet, NameServer, SecretRef, Server, Site, SshLogin
from ops.contracts import Answer
from ops.gather.name_server_lag import ZONES_A_ROUND, LagSurvey
from ops.gather.pointing import ActiveServerReader

PRIMARY, SECOND_PRIMARY = Endpoint("192.0.2.53"), Endpoint("192.0.2.54")
PUBLIC = tuple(NameServer(f"ns{n}", Endpoint(f"192.0.2.{60 + n}"), "Oslo") for n in (1, 2))


class Servers:
    """Name servers whose serials and addresses a test sets; every question is noted."""

    def __init__(self) -> None:
        self.serials: dict[tuple[Endpoint, str], int] = {}
        self.addresses: dict[tuple[str, str], tuple[str, ...]] = {}
        self.silent: set[Endpoint] = set()
        self.cached: set[Endpoint] = set()
        self.lame: set[tuple[Endpoint, str]] = set()
        self.asked: list[tuple[Endpoint, str]] = []

    async def serial(self, server: Endpoint, zone: str, **_more: float) -> int:
        self.asked.append((server, zone))
        if server in self.silent:
            raise TimedOutError("no answer")
        if (server, zone) in self.lame:
            raise DnsError("no authority")
        return self.serials.get((server, zone), 5)

    async def ask(self, server: Endpoint, name: str, rdtype: str, **_more: float) -> Answer:
        self.asked.append((server, name))
        if name == "broken.test":
            raise DnsError("SERVFAIL")
        values = self.addresses.get((name, rdtype), ())
        return Answer(values, 300, authoritative=server not in self.cached, aliases=(), took_s=0)

    async def sleep(self, _seconds: float) -> None:
        return None


def made(*names: str, update: tuple[Endpoint, ...] = (PRIMARY,), zones: tuple[str, ...] = ("test",)) -> Fleet:
    login = SshLogin("ops", 22, SecretRef("file", "/k"), "/h")
    servers = {
        "uk": Server("uk", "London", login, ipv4="192.0.2.1", ipv6="2001:db8::1"),
        "us": Server("us", "Dallas", login, ipv4="192.0.2.2"),
    }
    sites = {name: Site(name, "uk", ("us",), (name,), "/srv/x") for name in names}
    return Fleet("f", "UTC", servers, sites, DnsSettings(update, PUBLIC, zones))


@pytest.fixture
def servers() -> Servers:
    return Servers()


class TestPointing:
    async def test_each_site_is_where_its_address_is(self, servers: Servers) -> None:
        servers.addresses = {
            ("a.test", "A"): ("192.0.2.1",),
            ("a.test", "AAAA"): ("2001:db8::1",),
            ("b.test", "A"): ("192.0.2.2",),
            ("six.test", "AAAA"): ("2001:db8::1",),
        }
        pointing = ActiveServerReader(made("a.test", "b.test", "six.test"), cast("Any", servers))
        assert await pointing.changes() == {"a.test": "uk", "b.test": "us", "six.test": "uk"}

    async def test_a_site_at_no_server_at_several_or_not_answered_is_left_out(self, servers: Servers) -> None:
        servers.addresses = {
            ("away.test", "A"): ("198.51.100.1",),
            ("both.test", "A"): ("192.0.2.1", "192.0.2.2"),
            ("mixed.test", "A"): ("192.0.2.2",),
            ("mixed.test", "AAAA"): ("2001:db8::1",),
        }
        pointing = ActiveServerReader(
            made("away.test", "both.test", "mixed.test", "gone.test", "broken.test"), cast("Any", servers)
        )
        assert await pointing.changes() == {}

    async def test_only_zones_that_changed_are_asked_again(self, servers: Servers) -> None:
        servers.addresses = {("a.one", "A"): ("192.0.2.1",), ("b.two", "A"): ("192.0.2.1",)}
        pointing = ActiveServerReader(made("a.one", "b.two", zones=("one", "two")), cast("Any", servers))
        await pointing.changes()
        servers.serials[PRIMARY, "two"] = 6
        servers.addresses["b.two", "A"] = ("192.0.2.2",)
        servers.asked.clear()
        assert await pointing.changes() == {"b.two": "us"}
        assert (PRIMARY, "a.one") not in servers.asked

    async def test_a_zone_that_was_not_wholly_answered_is_asked_again(self, servers: Servers) -> None:
        servers.addresses = {("a.test", "A"): ("192.0.2.1",)}
        pointing = ActiveServerReader(made("a.test", "broken.test"), cast("Any", servers))
        await pointing.changes()
        assert await pointing.changes() == {"a.test": "uk"}

    async def test_where_the_update_server_is_silent_the_public_ones_are_asked(self, servers: Servers) -> None:
        servers.silent = {PRIMARY}
        servers.addresses = {("a.test", "A"): ("192.0.2.2",)}
        pointing = ActiveServerReader(made("a.test"), cast("Any", servers))
        assert await pointing.changes() == {"a.test": "us"}
        assert {(one.endpoint, "a.test") for one in PUBLIC} <= set(servers.asked)

    async def test_half_of_the_public_ones_say_nothing_that_counts_until_another_answers(
        self, servers: Servers
    ) -> None:
        servers.silent = {PRIMARY, PUBLIC[0].endpoint}
        servers.addresses = {("a.test", "A"): ("192.0.2.2",)}
        pointing = ActiveServerReader(made("a.test"), cast("Any", servers))
        assert await pointing.changes() == {}
        assert pointing.doubts["a.test"].unheard
        servers.silent = {PUBLIC[0].endpoint}
        assert await pointing.changes() == {"a.test": "us"}
        assert pointing.doubts == {}

    async def test_what_a_name_server_has_from_others_is_no_answer(self, servers: Servers) -> None:
        servers.addresses = {("a.test", "A"): ("192.0.2.2",)}
        servers.cached = {PRIMARY}
        servers.silent = {PUBLIC[0].endpoint}
        pointing = ActiveServerReader(made("a.test"), cast("Any", servers))
        assert await pointing.of(made("a.test").sites.values()) == {}
        assert pointing.doubts["a.test"].unheard

    async def test_where_an_update_server_does_not_answer_for_the_zone_the_public_ones_do(
        self, servers: Servers
    ) -> None:
        servers.addresses = {("a.test", "A"): ("192.0.2.2",)}
        servers.cached = {PRIMARY}
        servers.lame = {(PRIMARY, "test")}
        pointing = ActiveServerReader(made("a.test"), cast("Any", servers))
        assert await pointing.changes() == {"a.test": "us"}

    async def test_a_dead_name_server_is_asked_once_for_all_sites(self, servers: Servers) -> None:
        servers.silent = {PRIMARY}
        names = ("a.test", "b.test", "c.test")
        await ActiveServerReader(made(*names), cast("Any", servers)).of(made(*names).sites.values())
        assert [zone for server, zone in servers.asked if server == PRIMARY] == ["test"]

    async def test_where_all_are_silent_nothing_is_said(self, servers: Servers) -> None:
        servers.silent = {PRIMARY, *(server.endpoint for server in PUBLIC)}
        pointing = ActiveServerReader(made("a.test"), cast("Any", servers))
        assert await pointing.changes() == {}
        assert await pointing.of(made("a.test").sites.values()) == {}

    async def test_the_longest_zone_that_holds_the_name_is_asked_for(self, servers: Servers) -> None:
        await ActiveServerReader(made("a.sub.test", zones=("test", "sub.test")), cast("Any", servers)).changes()
        assert {zone for _, zone in servers.asked if "." not in zone or zone == "sub.test"} == {"sub.test"}


class TestLag:
    def lag(self, servers: Servers, **parts: Any) -> LagSurvey:  # noqa: ANN401 - the parameters of made
        return LagSurvey(made(**parts), cast("Any", servers), cast("Any", servers))

    async def test_equal_serials_are_in_step(self, servers: Servers) -> None:
        assert await self.lag(servers).behind() == {}

    async def test_one_with_an_older_serial_lags_and_it_is_said_by_how_much(self, servers: Servers) -> None:
        servers.serials[PUBLIC[1].endpoint, "test"] = 4
        assert await self.lag(servers).behind() == {"ns2": "behind in test: it answers serial 4, the zone is at 5"}

    async def test_serials_wrap_around(self, servers: Servers) -> None:
        servers.serials |= {
            (PRIMARY, "test"): 3,
            (PUBLIC[0].endpoint, "test"): 2**32 - 2,
            (PUBLIC[1].endpoint, "test"): 3,
        }
        assert list(await self.lag(servers).behind()) == ["ns1"]

    async def test_one_that_is_ahead_or_silent_does_not_lag(self, servers: Servers) -> None:
        servers.serials[PUBLIC[0].endpoint, "test"] = 9
        servers.silent.add(PUBLIC[1].endpoint)
        assert await self.lag(servers).behind() == {}

    async def test_one_that_does_not_answer_for_zones_that_others_have_is_lame(self, servers: Servers) -> None:
        servers.lame |= {(PUBLIC[1].endpoint, "one"), (PUBLIC[1].endpoint, "two")}
        servers.serials[PUBLIC[1].endpoint, "three"] = 4
        lag = self.lag(servers, zones=("one", "two", "three"))
        assert await lag.behind() == {"ns2": "it does not answer for one, two"}
        assert lag.lame == {"ns2"}
        servers.lame.clear()
        assert await lag.behind() == {"ns2": "behind in three: it answers serial 4, the zone is at 5"}
        assert lag.lame == frozenset()

    async def test_a_zone_that_nobody_has_makes_no_name_server_lame(self, servers: Servers) -> None:
        servers.lame |= {(endpoint, "test") for endpoint in (PRIMARY, *(server.endpoint for server in PUBLIC))}
        assert await self.lag(servers).behind() == {}

    async def test_one_that_follows_either_update_server_does_not_lag(self, servers: Servers) -> None:
        servers.serials |= {(SECOND_PRIMARY, "test"): 8, (PUBLIC[0].endpoint, "test"): 4}
        assert list(await self.lag(servers, update=(PRIMARY, SECOND_PRIMARY)).behind()) == ["ns1"]

    async def test_without_an_update_server_the_newest_of_the_public_ones_counts(self, servers: Servers) -> None:
        servers.silent.add(PRIMARY)
        servers.serials[PUBLIC[0].endpoint, "test"] = 4
        assert list(await self.lag(servers).behind()) == ["ns1"]

    async def test_one_that_caught_up_in_between_is_not_told_of(self, servers: Servers) -> None:
        lag = self.lag(servers)
        servers.serials[PUBLIC[0].endpoint, "test"] = 4

        async def catching_up(_seconds: float) -> None:
            servers.serials.clear()

        servers.sleep = catching_up  # type: ignore[method-assign]
        assert await lag.behind() == {}

    async def test_every_zone_has_its_turn_and_one_that_lagged_is_asked_each_time(self, servers: Servers) -> None:
        zones = tuple(f"z{number}" for number in range(ZONES_A_ROUND * 2 + 3))
        servers.serials[PUBLIC[0].endpoint, "z1"] = 4
        lag = self.lag(servers, zones=zones)
        for _ in range(3):
            servers.asked.clear()
            assert list(await lag.behind()) == ["ns1"]
            assert (PRIMARY, "z1") in servers.asked
        seen = set()
        for _ in range(3):
            await lag.behind()
            seen |= {zone for _, zone in servers.asked}
        assert seen == set(zones)
