"""Somebody between the bot and a real update server, who knows no key: nothing that he says is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from forger import everything, forging, rejecting, unsigned

from core.dns.records import RecordChange, RecordSet
from core.errors import DnsRefusedError, TimedOutError
from ops.dns.reply import UnverifiedError

if TYPE_CHECKING:
    from forger import Forgery

    from tests.lab.dns.conftest import View

ZONE = "ski.example"
REPLIES = {
    **{code: unsigned(dns.rcode.from_text(code)) for code in ("REFUSED", "NOTAUTH", "NOTIMP", "FORMERR", "SERVFAIL")},
    **{code: unsigned(dns.rcode.from_text(code)) for code in ("NXRRSET", "YXRRSET", "NOTZONE", "NOERROR")},
    "BADKEY": rejecting(dns.rcode.BADKEY),
    "BADSIG": rejecting(dns.rcode.BADSIG),
    "BADTIME": rejecting(dns.rcode.BADTIME),
    "BADTIME, made up": rejecting(dns.rcode.BADTIME, b"m" * 32),
    "BADTRUNC": rejecting(dns.rcode.BADTRUNC, b"m" * 16),
}


def added(owner: str) -> RecordChange:
    return RecordChange(None, RecordSet(f"{owner}.{ZONE}", "A", 300, ("192.0.2.1",)))


@pytest.mark.parametrize("number", range(len(REPLIES)), ids=list(REPLIES))
async def test_no_unsigned_answer_says_whether_the_zone_changed(shared: View, number: int) -> None:
    owner, forgery = f"forged{number}", list(REPLIES.values())[number]
    async with forging(shared.primary, forgery) as (way, _):
        with pytest.raises(TimedOutError, match="may or may not have happened"):
            await shared.dns.update(way, ZONE, (added(owner),))
    assert shared.held(f"{owner}.{ZONE}") == ["192.0.2.1"]


@pytest.mark.parametrize("forgery", REPLIES.values(), ids=REPLIES)
async def test_what_reads_the_zone_for_an_update_believes_none_either(shared: View, forgery: Forgery) -> None:
    async with forging(shared.primary, forgery) as (way, forger):
        forger.forges = everything
        with pytest.raises(TimedOutError):
            await shared.dns.version(way, ZONE)
        for asking in (shared.dns.read_zone(way, ZONE, (ZONE,)), shared.dns.try_update(way, ZONE)):
            with pytest.raises(UnverifiedError):
                await asking


async def test_a_refused_transfer_leads_to_questions_that_are_signed(shared: View) -> None:
    def lie(said: dns.message.Message) -> bytes:
        is_transfer = said.question[0].rdtype == dns.rdatatype.AXFR
        return b"" if is_transfer else unsigned(dns.rcode.NXDOMAIN)(said)

    async with forging(shared.primary, lie) as (way, forger):
        forger.forges = lambda query: query.question[0].rdtype != dns.rdatatype.SOA
        with pytest.raises((UnverifiedError, TimedOutError), match="says NXDOMAIN, but is not signed"):
            await shared.dns.read_zone(way, ZONE, (ZONE,))


async def test_what_the_server_itself_refuses_is_refused(shared: View) -> None:
    async with forging(shared.primary, unsigned(dns.rcode.NOERROR)) as (way, forger):
        forger.forges = lambda _: False
        change = RecordChange(None, RecordSet("www.attic.example", "A", 300, ("192.0.2.1",)))
        with pytest.raises(DnsRefusedError, match="outside the zone"):
            await shared.dns.update(way, ZONE, (change,))
