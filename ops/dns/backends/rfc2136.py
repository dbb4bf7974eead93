"""The DNS backend for servers that take signed updates (RFC 2136, RFC 8945): BIND, Knot, PowerDNS and others.

Nothing is retried here beyond one lost datagram: whoever calls decides. A server is sent a bounded number of requests
at once, and a request's time-out runs from when its turn comes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, cast

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.update

from core.dns.promises import Promises
from core.dns.records import ZoneReading
from core.errors import DnsChangedError, DnsClockError, DnsError, DnsRefusedError, TimedOutError
from ops.contracts import Answer
from ops.dns import Backend
from ops.dns.presentation import from_name, record_sets, to_name, to_type, values_of
from ops.dns.refusals import DnsRequest, why_not_answered, why_not_updated
from ops.dns.reply import UnverifiedError, read_datagram, read_reply, record_set_of
from ops.dns.signing import read_key
from ops.dns.transfer import TransferRefusedError, transfer
from ops.dns.update_message import beyond_addresses, probing_message, update_message, whole_message
from ops.dns.wire import Connections, over_udp
from ops.first_error import first_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.dns.records import RecordChange
    from core.fleet import Endpoint, Fleet, SecretRef

UPDATE_S = 5.0
NOTIFY_S = 2.0
QUESTION_S = 3.0
QUESTIONS_AT_ONCE = 64
CONNECTIONS_AT_ONCE = 16
RECORDS_AT_ONCE = 200  # in one message of 64 KiB, however long their names are
ID_BYTES = 2


class Rfc2136:
    """Reads zones by signed transfer and changes them by signed update. Implements `ops.contracts.Dns`."""

    promises = Promises(atomic=True, conditional=True, provable=True)

    def __init__(self, fleet: Fleet, secret: Callable[[SecretRef], str]) -> None:
        self._tsig = fleet.dns.tsig
        self._secret = secret
        self._key: dns.tsig.Key | None = None
        self._names = {server: f"The update server {server}" for server in fleet.dns.update} | {
            server.endpoint: f"{server.name} ({server.endpoint})" for server in fleet.dns.nameservers
        }
        self._questions: dict[Endpoint, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(QUESTIONS_AT_ONCE))
        self._connections: dict[Endpoint, Connections] = {}

    async def read_zone(self, server: Endpoint, zone: str, names: tuple[str, ...]) -> ZoneReading:
        """Read `zone` by transfer, signed where the fleet has a key; where that is refused, ask for `names`.

        A refused signature is raised as it is (DnsRefusedError, DnsClockError): asking on would only hide it. Where
        there is a key, only what is signed with it counts, of the questions too: this decides what became of an update.
        """
        asked = self._asked(server, f"the transfer of {zone}", zone)
        try:
            return await transfer(self._connections_to(server), zone, asked, self._signing_key())
        except TransferRefusedError:
            return await self._read_by_questions(server, zone, names)

    async def version(self, server: Endpoint, zone: str) -> str:
        """Return the zone's SOA record as the server has it for our key, which may see another view than others do.

        TimedOutError: no answer that counts came.
        """
        try:
            reply = await self._question_by_key(server, zone, "SOA")
        except UnverifiedError as error:
            raise TimedOutError(error.message, hint=error.hint) from error
        rrset = reply.get_rrset(reply.answer, to_name(zone), dns.rdataclass.IN, dns.rdatatype.SOA)
        if not rrset:
            who = self._who(server)
            raise DnsError(f"{who} has no SOA record for {zone}.", hint="Is the zone configured on that server?")
        return str(rrset[0].to_text())

    async def update(
        self, server: Endpoint, zone: str, changes: tuple[RecordChange, ...], *, version: str = ""
    ) -> None:
        """Make `changes` in one message over TCP, within 5 s. What is raised says whether anything changed.

        UnreachableError (but not TimedOutError), DnsRefusedError, DnsClockError, DnsChangedError: nothing changed.
        TimedOutError: no answer that counts came; it may or may not have happened.
        """
        asked = self._asked(server, f"the update of {zone}", zone)
        try:
            await self._send_update(server, lambda: update_message(zone, changes, version), asked)
        except (TimedOutError, UnverifiedError) as error:
            raise TimedOutError(
                f"{error.message} The update may or may not have happened.",
                hint=f"Read {zone} from that server before asking again. {error.hint}".strip(),
            ) from error

    async def try_update(self, server: Endpoint, zone: str, records: Sequence[tuple[str, str]] = ()) -> None:
        """Send a signed update that changes nothing; of `records`, a server's rules for names and types are applied."""
        asked = self._asked(server, f"a trial update of {zone}", zone)
        for begin in range(0, len(records) or 1, RECORDS_AT_ONCE):
            message = partial(probing_message, zone, records[begin : begin + RECORDS_AT_ONCE])
            with contextlib.suppress(*([DnsChangedError] if records else [])):
                await self._send_update(server, message, asked)

    async def may_change_more(self, server: Endpoint, zone: str) -> tuple[str, ...] | None:
        """Return what beyond the addresses of sites the key may change in `zone`, in words; None: that is not said."""
        if await self._is_powerdns(server):
            return None
        more = []
        for what, owner, rdtype in beyond_addresses(zone):
            # Where its rules forbid it, Knot refuses unsigned (BADKEY), which is enough for this.
            with contextlib.suppress(DnsRefusedError, UnverifiedError):
                await self.try_update(server, zone, ((owner, rdtype),))
                more.append(what)
        return tuple(more)

    async def ask(self, server: Endpoint, name: str, rdtype: str, *, timeout_s: float = QUESTION_S) -> Answer:
        """Ask one question; the whole answer comes within `timeout_s`, a retransmission and TCP included.

        Raises DnsRefusedError where the server does not answer for that zone, DnsError for other errors than
        "there is no such name". An answer without authority is returned, and says so.
        """
        reply, took_s = await self._question(server, name, rdtype, timeout_s)
        try:
            chain = cast("dns.message.QueryMessage", reply).resolve_chaining()
        except dns.exception.DNSException as error:
            raise DnsError(f"{self._who(server)} gave a senseless answer for {name}: {error}.") from error
        return Answer(
            values=values_of(chain.answer or ()),
            ttl_s=chain.answer.ttl if chain.answer else None,
            authoritative=bool(reply.flags & dns.flags.AA),
            aliases=tuple(from_name(link[0].target) for link in chain.cnames),
            took_s=took_s,
        )

    async def serial(self, server: Endpoint, zone: str, *, timeout_s: float = QUESTION_S) -> int:
        """Return the serial of `zone`. Raises DnsError where the server answers without authority or has no SOA."""
        answer = await self.ask(server, zone, "SOA", timeout_s=timeout_s)
        if not answer.authoritative or not answer.values or answer.aliases:
            raise DnsError(
                f"{self._who(server)} does not serve {zone}: it answers without authority for it.",
                hint="Is the zone configured on that server, and did it ever transfer it?",
            )
        return int(answer.values[0].split()[2])

    async def notify(self, server: Endpoint, zone: str) -> None:
        """Tell a name server that `zone` has changed; it then asks its primary. Unsigned first, then signed.

        Raises DnsRefusedError where it takes NOTIFY from others only, as many do.
        """
        asked = self._asked(server, f"the NOTIFY for {zone}", zone)
        try:
            says = dns.rcode.to_text(await self._send_notify(server, zone, asked, None))
        except TimedOutError:
            if self._tsig is None:
                raise
            says = "no answer"
        if says != "NOERROR" and self._tsig is not None:
            try:
                says = dns.rcode.to_text(await self._send_notify(server, zone, asked, self._signing_key()))
            except DnsClockError:
                raise
            except (DnsRefusedError, UnverifiedError):
                says = f"{says}; nor with our key"
        if says != "NOERROR":
            raise DnsRefusedError(
                f"{asked.who} does not take a NOTIFY for {zone} from here ({says}).",
                hint="Name servers often take it from their primary only: `rndc notify ZONE` there does the same.",
            )

    def _asked(self, server: Endpoint, what: str, zone: str) -> DnsRequest:
        return DnsRequest(self._who(server), what, zone, self._tsig)

    def _who(self, server: Endpoint) -> str:
        return self._names.get(server, f"The DNS server {server}")

    def _connections_to(self, server: Endpoint) -> Connections:
        return self._connections.setdefault(server, Connections(server, CONNECTIONS_AT_ONCE))

    def _signing_key(self) -> dns.tsig.Key | None:
        if self._key is None and self._tsig is not None:
            self._key = read_key(self._tsig, self._secret)
        return self._key

    async def _send_update(
        self, server: Endpoint, build: Callable[[], dns.update.UpdateMessage], asked: DnsRequest
    ) -> None:
        key = self._signing_key()
        lent = self._connections_to(server).lend(asked.who, asked.what, connect_s=UPDATE_S, timeout_s=UPDATE_S)
        async with lent as stream:
            # Built when its turn has come: the signature's time is then now, and the server works meanwhile.
            message = build()
            if key:
                message.use_tsig(key)
            await stream.send(whole_message(message, asked.zone))
            reply = await stream.receive()
        refusal = why_not_updated(read_reply(reply, message, asked).rcode(), asked)
        if refusal:
            raise refusal

    async def _is_powerdns(self, server: Endpoint) -> bool:
        """Return whether it says that it is PowerDNS, which takes an update and passes over what its policy forbids."""
        query = dns.message.make_query("version.bind.", "TXT", "CH", flags=0)
        asked = self._asked(server, "version.bind TXT", "version.bind")
        reply = await self._over_tcp(server, query.to_wire(), asked, QUESTION_S)
        return b"powerdns" in reply.lower()

    async def _question_by_key(self, server: Endpoint, name: str, rdtype: str) -> dns.message.Message:
        """Return a whole reply that says NOERROR or NXDOMAIN, signed where the fleet has a key; over TCP."""
        query = dns.message.make_query(to_name(name), to_type(rdtype), flags=0)
        asked = self._asked(server, f"{name} {rdtype}", name)
        key = self._signing_key()
        if key:
            query.use_tsig(key)
        reply = read_reply(await self._over_tcp(server, query.to_wire(), asked, UPDATE_S), query, asked)
        refusal = why_not_answered(reply.rcode(), asked)
        if refusal:
            raise refusal
        return reply

    async def _question(
        self, server: Endpoint, name: str, rdtype: str, timeout_s: float
    ) -> tuple[dns.message.Message, float]:
        """Return a whole reply that says NOERROR or NXDOMAIN, and how many seconds it took."""
        query = dns.message.make_query(to_name(name), to_type(rdtype), flags=0)
        asked = self._asked(server, f"{name} {rdtype}", name)
        async with self._questions[server]:
            began = asyncio.get_running_loop().time()
            reply = await self._over_udp(server, query, asked, timeout_s)
            if reply.flags & dns.flags.TC:
                left_s = timeout_s - (asyncio.get_running_loop().time() - began)
                reply = read_reply(await self._over_tcp(server, query.to_wire(), asked, left_s), query, asked)
            took_s = asyncio.get_running_loop().time() - began
        refusal = why_not_answered(reply.rcode(), asked)
        if refusal:
            raise refusal
        return reply, took_s

    async def _over_tcp(self, server: Endpoint, query: bytes, asked: DnsRequest, timeout_s: float) -> bytes:
        lent = self._connections_to(server).lend(asked.who, asked.what, connect_s=timeout_s, timeout_s=timeout_s)
        async with lent as stream:
            await stream.send(query)
            return await stream.receive()

    async def _over_udp(
        self, server: Endpoint, query: dns.message.Message, asked: DnsRequest, timeout_s: float
    ) -> dns.message.Message:
        read = partial(read_datagram, query)
        return await over_udp(server, asked.who, asked.what, query.to_wire(), read, timeout_s=timeout_s)

    async def _send_notify(
        self, server: Endpoint, zone: str, asked: DnsRequest, key: dns.tsig.Key | None
    ) -> dns.rcode.Rcode:
        message = dns.message.make_query(to_name(zone), dns.rdatatype.SOA, flags=dns.flags.AA, use_edns=False)
        message.set_opcode(dns.opcode.NOTIFY)
        if key:
            message.use_tsig(key)
        wire = message.to_wire()

        def read(datagram: bytes) -> bytes | None:
            return datagram if datagram[:ID_BYTES] == wire[:ID_BYTES] else None

        reply = await over_udp(server, asked.who, asked.what, wire, read, timeout_s=NOTIFY_S)
        return read_reply(reply, message, asked).rcode()

    async def _read_by_questions(self, server: Endpoint, zone: str, names: tuple[str, ...]) -> ZoneReading:
        # The serial first: should the zone change meanwhile, then what was read is newer than it says, never older.
        serial = int((await self.version(server, zone)).split()[2])
        kinds = ("CNAME", "A", "AAAA")
        with first_error():
            async with asyncio.TaskGroup() as tasks:
                asking = [
                    tasks.create_task(self._question_by_key(server, name, rdtype)) for name in names for rdtype in kinds
                ]
        found = [record_set_of(one.result(), self._who(server)) for one in asking]
        return ZoneReading(zone, serial, record_sets([one for one in found if one]), complete=False)


BACKEND = Backend("rfc2136", Rfc2136)
