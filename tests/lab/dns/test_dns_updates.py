"""Changing zones on a real update server: whole or not at all, and never over somebody's hand edit."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from core.dns.records import RecordChange, RecordSet
from core.errors import DnsChangedError, DnsClockError, DnsError, DnsRefusedError, TimedOutError, UnreachableError
from core.fleet import SecretRef, Tsig
from ops.dns.reply import UnverifiedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.lab.dns.conftest import View

ZONE = "ski.example"


def records(owner: str, *values: str, kind: str = "A", ttl_s: int = 300) -> RecordSet:
    return RecordSet(owner, kind, ttl_s, tuple(sorted(values)))


async def test_an_update_replaces_exactly_the_values_and_the_ttl(shared: View) -> None:
    shared.by_hand(ZONE, "update add swap.ski.example. 300 A 192.0.2.1", "update add swap.ski.example. 300 A 192.0.2.2")
    before = await shared.dns.serial(shared.primary, ZONE)
    old, new = records("swap.ski.example", "192.0.2.1", "192.0.2.2"), records("swap.ski.example", "192.0.2.3", ttl_s=60)
    await shared.dns.update(shared.primary, ZONE, (RecordChange(old, new),))
    reading = await shared.dns.read_zone(shared.primary, ZONE, ())
    assert [record for record in reading.records if record.owner == "swap.ski.example"] == [new]
    assert reading.serial > before


async def test_an_update_can_take_an_aaaa_record_away_and_leave_the_a_record(shared: View) -> None:
    shared.by_hand(
        ZONE, "update add both.ski.example. 300 A 192.0.2.1", "update add both.ski.example. 300 AAAA 2001:db8::1"
    )
    old4, old6 = records("both.ski.example", "192.0.2.1"), records("both.ski.example", "2001:db8::1", kind="AAAA")
    new4 = records("both.ski.example", "192.0.2.2")
    await shared.dns.update(shared.primary, ZONE, (RecordChange(old4, new4), RecordChange(old6, None)))
    assert shared.held("both.ski.example", "A") == ["192.0.2.2"]
    assert shared.held("both.ski.example", "AAAA") == []


async def test_where_one_record_was_edited_by_hand_none_of_the_zone_changes(shared: View) -> None:
    for name in ("one", "two"):
        shared.by_hand(ZONE, f"update add {name}.ski.example. 300 A 192.0.2.1")
    changes = tuple(
        RecordChange(records(f"{name}.ski.example", "192.0.2.1"), records(f"{name}.ski.example", "192.0.2.2"))
        for name in ("one", "two")
    )
    shared.by_hand(ZONE, "update delete two.ski.example. A", "update add two.ski.example. 300 A 192.0.2.77")
    before = await shared.dns.read_zone(shared.primary, ZONE, ())
    with pytest.raises(DnsChangedError, match=r"ski\.example.*NXRRSET.*Nothing changed"):
        await shared.dns.update(shared.primary, ZONE, changes)
    assert await shared.dns.read_zone(shared.primary, ZONE, ()) == before


async def test_a_value_added_beside_the_old_one_by_hand_stops_the_update(shared: View) -> None:
    shared.by_hand(
        ZONE, "update add more.ski.example. 300 A 192.0.2.1", "update add more.ski.example. 300 A 192.0.2.77"
    )
    change = RecordChange(records("more.ski.example", "192.0.2.1"), records("more.ski.example", "192.0.2.2"))
    with pytest.raises(DnsChangedError):
        await shared.dns.update(shared.primary, ZONE, (change,))
    assert shared.held("more.ski.example") == ["192.0.2.1", "192.0.2.77"]


async def test_a_new_record_set_is_refused_where_there_is_one_by_now(shared: View) -> None:
    shared.by_hand(ZONE, "update add there.ski.example. 300 AAAA 2001:db8::77")
    new = records("there.ski.example", "2001:db8::1", kind="AAAA")
    with pytest.raises(DnsChangedError, match="YXRRSET"):
        await shared.dns.update(shared.primary, ZONE, (RecordChange(None, new),))
    assert shared.held("there.ski.example", "AAAA") == ["2001:db8::77"]


async def test_an_address_beside_an_alias_is_refused_instead_of_ignored_in_silence(shared: View) -> None:
    shared.by_hand(ZONE, "update add nick.ski.example. 300 CNAME ski.example.")
    with pytest.raises(DnsChangedError):
        await shared.dns.update(shared.primary, ZONE, (RecordChange(None, records("nick.ski.example", "192.0.2.1")),))


async def test_an_alias_can_take_the_place_of_an_address_and_the_other_way_round(shared: View) -> None:
    shared.by_hand(ZONE, "update add turn.ski.example. 300 A 192.0.2.1")
    address, alias = records("turn.ski.example", "192.0.2.1"), records("turn.ski.example", "ski.example", kind="CNAME")
    there = (RecordChange(address, None), RecordChange(None, alias))
    await shared.dns.update(shared.primary, ZONE, there)
    assert shared.held("turn.ski.example", "CNAME") == ["ski.example."]
    await shared.dns.update(shared.primary, ZONE, tuple(change.inverse() for change in there))
    assert shared.held("turn.ski.example", "A") == ["192.0.2.1"]


async def test_a_name_outside_the_zone_is_refused(shared: View) -> None:
    change = RecordChange(None, records("www.attic.example", "192.0.2.1"))
    with pytest.raises(DnsRefusedError, match="outside the zone"):
        await shared.dns.update(shared.primary, ZONE, (change,))


async def test_more_changes_than_one_message_holds_are_refused_before_anything_is_sent(shared: View) -> None:
    before = await shared.dns.serial(shared.primary, ZONE)
    changes = tuple(
        RecordChange(None, records(f"{'n' * 50}{number}.ski.example", "192.0.2.1")) for number in range(2000)
    )
    with pytest.raises(DnsRefusedError, match="do not fit"):
        await shared.dns.update(shared.primary, ZONE, changes)
    assert await shared.dns.serial(shared.primary, ZONE) == before


async def test_a_hundred_updates_at_once_are_all_made(shared: View) -> None:
    changes = [RecordChange(None, records(f"n{number}.attic.example", "192.0.2.1")) for number in range(100)]
    await asyncio.gather(*(shared.dns.update(shared.primary, "attic.example", (change,)) for change in changes))
    reading = await shared.dns.read_zone(shared.primary, "attic.example", ())
    assert {change.new for change in changes} <= set(reading.records)


async def test_a_trial_update_changes_nothing(shared: View) -> None:
    before = await shared.dns.read_zone(shared.primary, ZONE, ())
    await shared.dns.try_update(shared.primary, ZONE)
    assert await shared.dns.read_zone(shared.primary, ZONE, ()) == before


@pytest.mark.parametrize("attempt", ["update", "trial", "transfer"])
@pytest.mark.parametrize(
    ("key", "secret", "words"),
    [
        (Tsig("bot-update", "hmac-sha256", SecretRef("env", "X")), base64.b64encode(b"another").decode(), "BADSIG"),
        (Tsig("nobody", "hmac-sha256", SecretRef("env", "X")), base64.b64encode(b"another").decode(), "BADKEY"),
        (Tsig("bot-update", "hmac-sha512", SecretRef("env", "X")), base64.b64encode(b"another").decode(), "BADKEY"),
    ],
    ids=["secret", "name", "algorithm"],
)
async def test_a_wrong_key_is_refused_in_words_and_changes_nothing(
    shared: View, key: Tsig, secret: str, words: str, attempt: str
) -> None:
    dns = shared.open(tsig=key, secret=secret)
    before = await shared.dns.serial(shared.primary, ZONE)
    change = RecordChange(None, records("never.ski.example", "192.0.2.1"))
    asking: dict[str, Callable[[], Awaitable[object]]] = {
        "update": lambda: dns.update(shared.primary, ZONE, (change,)),
        "trial": lambda: dns.try_update(shared.primary, ZONE),
        "transfer": lambda: dns.read_zone(shared.primary, ZONE, ()),
    }
    # Such a server cannot sign that it does not know the key, so that it proves nothing.
    with pytest.raises((UnverifiedError, TimedOutError), match=words) as caught:
        await asking[attempt]()
    assert secret not in str(caught.value) + caught.value.hint
    assert await shared.dns.serial(shared.primary, ZONE) == before


async def test_an_unsigned_update_is_refused(shared: View) -> None:
    with pytest.raises(DnsRefusedError, match="REFUSED"):
        await shared.open(tsig=None).try_update(shared.primary, ZONE)


@pytest.mark.parametrize("nameserver", ["ns1", "ns2", "ns3"])
async def test_a_public_name_server_takes_no_updates(shared: View, nameserver: str) -> None:
    with pytest.raises(DnsError):
        await shared.open(tsig=None).try_update(shared.at(nameserver), ZONE)


# libfaketime cannot move named's clock (Debian's named allocates with jemalloc, which the two do not survive), so it is
# the signer's clock that is off here: the server sees the same either way.
@pytest.mark.parametrize(
    ("off_s", "words"), [(-1200, r"20 min( \d s)? ahead of ours"), (900, r"1(5 min|4 min 5\d s) behind ours")]
)
async def test_clocks_that_are_minutes_apart_are_said_with_the_minutes_and_nothing_changes(
    shared: View, monkeypatch: pytest.MonkeyPatch, off_s: int, words: str
) -> None:
    before = shared.held(ZONE, "SOA")
    monkeypatch.setattr("dns.message.time", SimpleNamespace(time=lambda: time.time() + off_s))
    with pytest.raises(DnsClockError, match="BADTIME") as caught:
        await shared.dns.update(shared.primary, ZONE, (RecordChange(None, records("never.ski.example", "192.0.2.1")),))
    assert re.search(words, caught.value.message)
    assert "NTP" in caught.value.hint
    assert shared.held(ZONE, "SOA") == before


async def test_a_transfer_is_refused_too_where_clocks_are_apart(shared: View, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dns.message.time", SimpleNamespace(time=lambda: time.time() - 1200))
    with pytest.raises(DnsClockError, match="BADTIME"):
        await shared.dns.read_zone(shared.primary, ZONE, (ZONE,))


async def test_a_primary_that_is_gone_is_unreachable_and_nothing_was_sent(own: View) -> None:
    own.lab.drop("primary")
    change = RecordChange(None, records("never.ski.example", "192.0.2.1"))
    with pytest.raises(UnreachableError) as caught:
        await own.dns.update(own.primary, ZONE, (change,))
    assert not isinstance(caught.value, TimedOutError)


async def test_a_primary_that_freezes_may_or_may_not_have_made_the_update(own: View) -> None:
    own.lab.freeze("primary")
    change = RecordChange(None, records("maybe.ski.example", "192.0.2.1"))
    with pytest.raises(TimedOutError, match="may or may not have happened") as caught:
        await own.dns.update(own.primary, ZONE, (change,))
    assert ZONE in caught.value.hint


async def test_a_primary_that_is_cut_off_takes_no_connection_and_nothing_was_sent(own: View) -> None:
    own.lab.cut_off("primary")
    change = RecordChange(None, records("never.ski.example", "192.0.2.1"))
    with pytest.raises(UnreachableError, match="nothing was sent") as caught:
        await own.dns.update(own.primary, ZONE, (change,))
    assert not isinstance(caught.value, TimedOutError)
