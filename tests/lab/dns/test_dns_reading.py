"""Reading zones and asking questions, of three softwares."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import pytest

from core.dns.records import RecordSet
from core.errors import DnsError, DnsRefusedError, TimedOutError, UnreachableError
from core.fleet import SecretRef, Tsig
from ops.dns.wire import soa_query_tcp

if TYPE_CHECKING:
    from tests.lab.dns.conftest import View

ZONE = "fjord.example"
PUBLIC = ["ns1", "ns2", "ns3"]


async def test_a_transfer_reads_every_record_of_the_zone_as_core_writes_them(shared: View) -> None:
    reading = await shared.dns.read_zone(shared.primary, ZONE, ())
    oslo = shared.fleet.servers["oslo"].ipv4 or ""
    found = {(record.owner, record.type): record for record in reading.records}
    assert reading.complete
    assert found[ZONE, "A"] == RecordSet(ZONE, "A", 300, (oslo,))
    assert found["alias.fjord.example", "CNAME"].values == ("www.fjord.example",)
    assert found[ZONE, "MX"].values == ("10 mail.fjord.example",)
    assert found["txt.fjord.example", "TXT"].values == ('"two words" "Second"',)
    assert found["mail.fjord.example", "AAAA"] == RecordSet("mail.fjord.example", "AAAA", 3600, ("2001:db8::25",))
    assert found["*.wild.fjord.example", "A"].values == ("192.0.2.9",)
    assert len(found["many.fjord.example", "A"].values) == 90
    assert int(found[ZONE, "SOA"].values[0].split()[2]) == reading.serial


async def test_where_transfers_are_refused_the_names_are_asked_for_one_by_one(shared: View) -> None:
    unsigned = shared.open(tsig=None)
    names = (ZONE, "mail.fjord.example", "alias.fjord.example", "x.wild.fjord.example", "nowhere.fjord.example")
    reading = await unsigned.read_zone(shared.primary, ZONE, names)
    whole = await shared.dns.read_zone(shared.primary, ZONE, ())
    assert not reading.complete
    assert reading.serial == whole.serial
    asked = {record for record in whole.records if record.owner in names and record.type in ("A", "AAAA", "CNAME")} | {
        RecordSet("x.wild.fjord.example", "A", 300, ("192.0.2.9",))
    }
    assert set(reading.records) == asked


@pytest.mark.parametrize("nameserver", PUBLIC)
async def test_a_name_server_that_refuses_transfers_is_read_by_questions_too(shared: View, nameserver: str) -> None:
    reading = await shared.open(tsig=None).read_zone(shared.at(nameserver), ZONE, (ZONE,))
    assert not reading.complete
    assert [record.owner for record in reading.records] == [ZONE]


@pytest.mark.parametrize("nameserver", PUBLIC)
async def test_an_answer_too_big_for_a_datagram_comes_whole_over_tcp(shared: View, nameserver: str) -> None:
    answer = await shared.dns.ask(shared.at(nameserver), "many.fjord.example", "A")
    assert len(answer.values) == 90


@pytest.mark.parametrize("nameserver", PUBLIC)
async def test_an_alias_is_followed_and_named(shared: View, nameserver: str) -> None:
    answer = await shared.dns.ask(shared.at(nameserver), "alias.fjord.example", "A")
    assert answer.aliases == ("www.fjord.example",)
    assert answer.values == (shared.fleet.servers["oslo"].ipv4,)
    assert answer.authoritative


@pytest.mark.parametrize("nameserver", PUBLIC)
async def test_a_name_that_is_not_there_has_no_values(shared: View, nameserver: str) -> None:
    answer = await shared.dns.ask(shared.at(nameserver), "nowhere.fjord.example", "A")
    assert answer.values == ()
    assert answer.ttl_s is None


@pytest.mark.parametrize("nameserver", PUBLIC)
async def test_every_software_says_the_serial_of_the_primary(shared: View, nameserver: str) -> None:
    assert await shared.dns.serial(shared.at(nameserver), "ceviche.example") == 1


@pytest.mark.parametrize("nameserver", PUBLIC)
async def test_a_zone_that_a_server_does_not_have_is_an_error_that_names_both(shared: View, nameserver: str) -> None:
    with pytest.raises(DnsRefusedError, match=rf"{nameserver}.*elsewhere\.example"):
        await shared.dns.serial(shared.at(nameserver), "elsewhere.example")


async def test_a_name_below_a_zone_has_no_serial_of_its_own(shared: View) -> None:
    with pytest.raises(DnsError, match="without authority"):
        await shared.dns.serial(shared.primary, "www.fjord.example")


@pytest.mark.parametrize("nameserver", PUBLIC)
async def test_the_second_vantage_points_question_is_answered_by_every_software(shared: View, nameserver: str) -> None:
    # Sent as a shell's /dev/tcp would: the bytes, and whatever comes back until the server or the patience ends.
    server = shared.at(nameserver)
    reader, writer = await asyncio.open_connection(server.address, server.port)
    writer.write(soa_query_tcp("ceviche.example"))
    answer = dns.message.from_wire(await reader.readexactly(int.from_bytes(await reader.readexactly(2))))
    writer.close()
    assert answer.flags & dns.flags.AA
    assert [(rrset.name.to_text(), rrset[0].serial) for rrset in answer.answer] == [("ceviche.example.", 1)]


async def test_a_name_server_that_is_gone_is_known_at_once_and_one_that_freezes_after_the_time_out(own: View) -> None:
    own.lab.drop("ns1")
    own.lab.freeze("ns2")
    with pytest.raises(UnreachableError, match="nothing listens") as refused:
        await own.dns.serial(own.at("ns1"), "ski.example")
    assert not isinstance(refused.value, TimedOutError)
    with pytest.raises(TimedOutError, match=r"ns2 .* 0\.5 s"):
        await own.dns.serial(own.at("ns2"), "ski.example", timeout_s=0.5)


@pytest.mark.parametrize("nameserver", PUBLIC)
async def test_a_notify_is_signed_where_an_unsigned_one_is_refused(shared: View, nameserver: str) -> None:
    with pytest.raises((DnsRefusedError, TimedOutError), match=nameserver):
        await shared.open(tsig=None).notify(shared.at(nameserver), ZONE)
    await shared.dns.notify(shared.at(nameserver), ZONE)


@pytest.mark.parametrize("nameserver", PUBLIC)
async def test_a_notify_with_an_unknown_key_is_refused_in_words(shared: View, nameserver: str) -> None:
    stranger = shared.open(tsig=Tsig("stranger", "hmac-sha256", SecretRef("env", "X")), secret="c3RyYW5nZXI=")
    with pytest.raises(DnsRefusedError, match=f"{nameserver}.*does not take a NOTIFY") as caught:
        await stranger.notify(shared.at(nameserver), ZONE)
    assert "primary" in caught.value.hint
