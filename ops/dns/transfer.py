"""Reading a whole zone by transfer (AXFR, RFC 5936), checked against its signature when it was asked for signed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.xfr
import dns.zone

from core.dns.records import RecordSet, ZoneReading
from core.errors import DnsError
from ops.dns.presentation import record_sets, to_name
from ops.dns.reply import UnverifiedError, signature_rejected
from ops.dns.wire import ClosedEarlyError
from ops.limits import too_much

if TYPE_CHECKING:
    from dns.rdtypes.ANY.SOA import SOA

    from ops.dns.refusals import DnsRequest
    from ops.dns.wire import Connections, Stream

CONNECT_S = 5.0
WHOLE_S = 30.0
NAMES_AT_ONCE = 200
# A quarter of a million records; each takes some thirty times as much in memory.
MOST_ZONE_BYTES = 8_000_000


class TransferRefusedError(DnsError):
    """The server does not transfer this zone to us. Ask for the names one by one instead."""

    code = "dns-transfer-refused"


async def transfer(connections: Connections, zone: str, asked: DnsRequest, key: dns.tsig.Key | None) -> ZoneReading:
    """Read all of `zone`. Never holds up the event loop for longer than one message or some hundred names take.

    Raises TransferRefusedError where the server answers with an error or hangs up at once; DnsRefusedError or
    DnsClockError where it rejects our signature; UnverifiedError for what is not signed as it should be, a refusal too;
    TooMuchError for a transfer of more than 8 MB.
    """
    copy = dns.zone.Zone(to_name(zone), relativize=False)
    query = dns.message.make_query(copy.origin or to_name(zone), dns.rdatatype.AXFR, flags=0)
    if key:
        query.use_tsig(key)
    async with connections.lend(asked.who, asked.what, connect_s=CONNECT_S, timeout_s=WHOLE_S) as stream:
        await stream.send(query.to_wire())
        await _receive(stream, copy, query, asked)
    return await _reading(copy, zone)


async def _receive(stream: Stream, copy: dns.zone.Zone, query: dns.message.Message, asked: DnsRequest) -> None:
    context: dns.tsig.HMACTSig | dns.tsig.GSSTSig | None = None
    first, come_bytes = True, 0
    with dns.xfr.Inbound(copy) as inbound:
        done = False
        while not done:
            try:
                wire = await stream.receive()
            except ClosedEarlyError as error:
                if not first:
                    raise
                raise TransferRefusedError(f"{asked.who} hung up on {asked.what}.") from error
            come_bytes += len(wire)
            if come_bytes > MOST_ZONE_BYTES:
                raise too_much(asked.who, asked.what, MOST_ZONE_BYTES)
            try:
                message = dns.message.from_wire(
                    wire, keyring=query.keyring, request_mac=query.mac, xfr=True, tsig_ctx=context, multi=True
                )
                if not query.is_response(message, xfr_continuation=not first):
                    raise UnverifiedError(f"{asked.who} answered something else than {asked.what}.")
                if query.had_tsig and not message.had_tsig and message.rcode() != dns.rcode.NOERROR:
                    raise UnverifiedError(
                        f"{asked.who} answered {asked.what} with {dns.rcode.to_text(message.rcode())}, but unsigned, "
                        "which does not count.",
                        hint="Something between here and that server may be changing its replies.",
                    )
                done = inbound.process_message(message)
            except dns.tsig.PeerError as error:
                raise signature_rejected(wire, query, error, asked) from error
            except dns.xfr.TransferError as error:
                code = dns.rcode.to_text(error.rcode)
                raise TransferRefusedError(f"{asked.who} refused {asked.what} ({code}).") from error
            except dns.exception.DNSException as error:
                raise UnverifiedError(
                    f"{asked.who} answered {asked.what}, but the transfer does not count: "
                    f"{str(error) or type(error).__name__}.",
                    hint="Something between here and that server may be changing its replies.",
                ) from error
            context, first = message.tsig_ctx, False
            await asyncio.sleep(0)


async def _reading(copy: dns.zone.Zone, zone: str) -> ZoneReading:
    records: list[RecordSet] = []
    for number, (name, node) in enumerate(copy.nodes.items()):
        records.extend(record_sets((name, rdataset) for rdataset in node))
        if number % NAMES_AT_ONCE == 0:
            await asyncio.sleep(0)
    soa = cast("SOA", copy.find_rdataset(copy.origin or to_name(zone), dns.rdatatype.SOA)[0])
    return ZoneReading(zone, soa.serial, tuple(sorted(records)), complete=True)
