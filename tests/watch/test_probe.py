"""Single looks, against small servers on loopback that answer as real ones do on a bad day."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DnsError, LoginRefusedError, TimedOutError
from core.fleet import DnsSettings, Endpoint, Fleet, NameServer, SecretRef, Server, Site, SiteCheck, SshLogin, WebPorts
from core.fleet.target import Target
from ops.contracts import Look, Ran
from ops.probe.expect import request_for
from ops.probe.from_server import dns_command, dns_look, line_command, line_look
from ops.probe.http import HttpAnswer, NotHttpError
from ops.probe.prober import NetProbe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TIMEOUT_S = 0.5
# Where an answer comes: a machine that has much else to do may take its time.
PATIENCE_S = 10.0


def fleet_at(port: int, *, check: SiteCheck | None = None, https: bool = False) -> Fleet:
    login = SshLogin("ops", port, SecretRef("file", "/keys/bot"), "/keys/known_hosts")
    web = WebPorts(http=port, https=port if https else None)
    site = Site("shop", "one", ("two",), ("shop.test",), "/srv/shop", check=check or SiteCheck())
    servers = {name: Server(name, "Oslo", login, ipv4="127.0.0.1", web=web) for name in ("one", "two")}
    nameservers = (NameServer("ns1", Endpoint("127.0.0.1", port), "Oslo"),)
    return Fleet("test", "UTC", servers, {"shop": site}, DnsSettings((), nameservers, ("shop.test",)))


def probe_at(port: int, *, ssh: object = None, dns: object = None, **more: Any) -> NetProbe:  # noqa: ANN401
    return NetProbe(fleet_at(port, **more), cast("Any", ssh), cast("Any", dns))


@asynccontextmanager
async def serving(
    *pieces: bytes, hang: bool = False, listen_first: bool = True, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Serve `pieces`, a moment apart, then close or `hang`; yields the port and what was heard."""
    heard: list[bytes] = []
    over = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if listen_first:
                heard.append(await reader.readuntil(b"\r\n\r\n"))
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.001)
            if hang:
                await over.wait()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        over.set()
        server.close()
        await asyncio.sleep(0.01)


def answer_with(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body


async def look_at_site(*pieces: bytes, check: SiteCheck | None = None, hang: bool = False) -> tuple[Look, list[bytes]]:
    async with serving(*pieces, hang=hang) as (port, heard):
        probe = probe_at(port, check=check)
        look = await probe.site(probe._fleet.sites["shop"], "one", timeout_s=PATIENCE_S if pieces else TIMEOUT_S)
    return look, heard


class TestSites:
    async def test_the_right_status_is_enough_where_no_content_is_asked_for(self) -> None:
        look, heard = await look_at_site(answer_with(b"hello"))
        assert look.ok
        assert look.took_s > 0
        assert heard[0].startswith(b"GET / HTTP/1.1\r\nHost: shop.test\r\n")

    async def test_it_waits_for_no_more_than_it_needs(self) -> None:
        look, _ = await look_at_site(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nWelcome",
                                     check=SiteCheck(contains="Welcome"), hang=True)  # fmt: skip
        assert look.ok

    async def test_a_wrong_status_is_said_with_the_right_one(self) -> None:
        look, _ = await look_at_site(answer_with(b"", "503 Service Unavailable"))
        assert (look.ok, look.why) == (False, "status 503 instead of 200")

    async def test_a_redirect_is_not_followed(self) -> None:
        moved = answer_with(b"", "301 Moved", "Location: http://127.0.0.1:1/")
        assert (await look_at_site(moved))[0].why == "status 301 instead of 200"
        assert (await look_at_site(moved, check=SiteCheck(status=301)))[0].ok

    async def test_a_redirect_must_go_where_the_fleet_file_says(self) -> None:
        check = SiteCheck(status=301, redirect="https://shop.test/")
        moved = answer_with(b"", "301 Moved", "Location: https://shop.test/")
        assert (await look_at_site(moved, check=check))[0].ok
        elsewhere = answer_with(b"", "301 Moved", "Location: https://evil.test/\x07" + "x" * 200)
        look, _ = await look_at_site(elsewhere, check=check)
        assert look.why.startswith("it redirects to https://evil.test/?xxx")
        assert look.why.endswith("xxx…, not to https://shop.test/")
        look, _ = await look_at_site(answer_with(b"", "301 Moved"), check=check)
        assert look.why == "it redirects to nowhere, not to https://shop.test/"

    async def test_content_split_over_chunks_and_packets_is_found(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        look, _ = await look_at_site(head, b"3\r\nWel\r\n", b"4;x=y\r\nco", b"me\r\n0\r\n\r\n",
                                     check=SiteCheck(contains="Welcome"))  # fmt: skip
        assert look.ok

    async def test_content_that_is_not_there_is_quoted(self) -> None:
        look, _ = await look_at_site(answer_with(b"Account suspended"), check=SiteCheck(contains="Welcome"))
        assert look.why == "the page does not contain 'Welcome'"

    async def test_content_without_a_length_ends_with_the_connection(self) -> None:
        answer = b"HTTP/1.0 200 OK\r\n\r\nWel"
        assert (await look_at_site(answer, b"come", check=SiteCheck(contains="Welcome")))[0].ok
        assert not (await look_at_site(answer, check=SiteCheck(contains="Welcome")))[0].ok

    async def test_an_endless_page_is_read_up_to_the_limit(self) -> None:
        pieces = [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 65536] * 6]
        look, _ = await look_at_site(*pieces, check=SiteCheck(contains="Welcome"), hang=True)
        assert look.why == "the page does not contain 'Welcome' in its first 256 KiB"

    async def test_an_informational_answer_comes_before_the_real_one(self) -> None:
        look, _ = await look_at_site(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer_with(b"hi"))
        assert look.ok

    async def test_a_path_cannot_break_the_request(self) -> None:
        _, heard = await look_at_site(answer_with(b""), check=SiteCheck(path="/a b\r\nX: ü"))
        assert heard[0].split(b"\r\n")[0] == b"GET /a%20b%0D%0AX:%20%C3%BC HTTP/1.1"
        assert request_for("a.test", "x").startswith(b"GET /x HTTP/1.1")

    @pytest.mark.parametrize(
        ("pieces", "hang", "why"),
        [
            ((b"SSH-2.0-OpenSSH_9.2\r\n",), True, "it answers, but not in HTTP"),
            ((b"HTTP/1.1 banana\r\n\r\n",), False, "it answers, but not in HTTP"),
            ((b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000,), True, "it answers, but not in HTTP"),
            ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",), True, "it answers, but not in HTTP"),
            ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",), True, "it answers, but not in HTTP"),
            (
                (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 2000,),
                True,
                "it answers, but not in HTTP",
            ),
            ((), False, "it closed the connection without an answer"),
            ((b"HTTP/1.1 200",), False, "it closed the connection without an answer"),
            ((), True, "no answer within 0.5 s"),
        ],
    )
    async def test_what_is_no_answer_is_said(self, pieces: tuple[bytes, ...], hang: bool, why: str) -> None:
        look, _ = await look_at_site(*pieces, hang=hang, check=SiteCheck(contains="x"))
        assert (look.ok, look.why) == (False, why)

    async def test_nobody_there_is_refused(self) -> None:
        async with serving() as (port, _):
            pass
        probe = probe_at(port)
        look = await probe.site(probe._fleet.sites["shop"], "one", timeout_s=TIMEOUT_S)
        assert look.why == f"connection refused at port {port}"


def certified(folder: Path, name: str = "shop.test", *, days: int = 30, issuer: str | None = None) -> ssl.SSLContext:
    """Return a server's context with a certificate that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer or name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    no_password = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    (folder / "server.pem").write_bytes(secret + pem)
    (folder / "trusted.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


class TestHttps:
    async def look(self, tls: ssl.SSLContext, trusted: Path | None = None) -> Look:
        async with serving(answer_with(b"hi"), tls=tls) as (port, _):
            probe = probe_at(port, https=True)
            if trusted is not None:
                probe._tls.load_verify_locations(trusted)
            return await probe.site(probe._fleet.sites["shop"], "one", timeout_s=2)

    async def test_a_certificate_for_the_name_by_a_trusted_authority_is_well(self, tmp_path: Path) -> None:
        look = await self.look(certified(tmp_path), tmp_path / "trusted.pem")
        assert look.ok
        assert look.certificate_ends_at is not None
        assert timedelta(days=29) < look.certificate_ends_at - datetime.now(UTC) <= timedelta(days=30)

    async def test_a_self_signed_one_is_said(self, tmp_path: Path) -> None:
        assert (await self.look(certified(tmp_path))).why == "its certificate is self-signed"

    async def test_one_for_another_name_is_said(self, tmp_path: Path) -> None:
        context = certified(tmp_path, "other.test")
        assert (await self.look(context, tmp_path / "trusted.pem")).why == "its certificate is for another name"

    async def test_an_expired_one_is_said(self, tmp_path: Path) -> None:
        context = certified(tmp_path, days=-1)
        assert (await self.look(context, tmp_path / "trusted.pem")).why == "its certificate has expired"

    async def test_a_server_that_speaks_no_tls_there_is_said(self) -> None:
        async with serving(b"220 mail.test ESMTP\r\n", hang=True, listen_first=False) as (port, _):
            probe = probe_at(port, https=True)
            look = await probe.site(probe._fleet.sites["shop"], "one", timeout_s=2)
        assert look.why == "TLS failed: wrong version number"

    async def test_one_that_takes_the_connection_and_says_nothing_is_said(self) -> None:
        async with serving(hang=True) as (port, _):
            probe = probe_at(port, https=True)
            look = await probe.site(probe._fleet.sites["shop"], "one", timeout_s=TIMEOUT_S)
        assert look.why == "no TLS connection within 0.5 s"


class TestBanners:
    async def look(self, *pieces: bytes, hang: bool = True) -> Look:
        async with serving(*pieces, hang=hang, listen_first=False) as (port, heard):
            look = await probe_at(port).ssh_banner("one", timeout_s=PATIENCE_S if pieces else TIMEOUT_S)
        assert heard == []
        return look

    async def test_an_identification_is_well(self) -> None:
        assert (await self.look(b"SSH-2.0-OpenSSH_9.2p1\r\n")).ok

    async def test_other_lines_may_come_first_and_packets_may_split_it(self) -> None:
        assert (await self.look(b"Keep out!\r\nSS", b"H-2.", b"0-x\r\n")).ok

    async def test_the_words_inside_a_line_do_not_count(self) -> None:
        assert (await self.look(b"no SSH-2.0- here\r\n", hang=False)).why == (
            "it closed the connection without an SSH banner"
        )

    async def test_silence_is_no_answer(self) -> None:
        assert (await self.look()).why == "no answer within 0.5 s"

    async def test_endless_noise_is_not_ssh(self) -> None:
        assert (await self.look(b"x" * 20000)).why == "it answers, but not in SSH"


class SaidSerial:
    def __init__(self, said: int | Exception) -> None:
        self._said = said

    async def serial(self, server: Endpoint, zone: str, *, timeout_s: float) -> int:
        del server, zone, timeout_s
        if isinstance(self._said, Exception):
            raise self._said
        return self._said


class TestNameServers:
    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            (7, Look(ok=True)),
            (TimedOutError("x"), Look(ok=False, why="no answer within 2 s")),
            (DnsError("ns1 answers without authority."), Look(ok=False, why="ns1 answers without authority")),
        ],
    )
    async def test_its_answer_is_a_look(self, said: int | Exception, expected: Look) -> None:
        look = await probe_at(1, dns=SaidSerial(said)).nameserver("ns1", "shop.test", timeout_s=2)
        assert (look.ok, look.why) == (expected.ok, expected.why)

    async def test_one_that_has_lost_a_zone_and_answers_for_the_next_is_up(self) -> None:
        fleet = fleet_at(1)
        fleet = replace(fleet, dns=replace(fleet.dns, zones=("shop.test", "kept.test")))
        for zone in fleet.dns.zones:
            probe = NetProbe(fleet, cast("Any", None), cast("Any", WithoutZone("shop.test")))
            assert (await probe.nameserver("ns1", zone, timeout_s=2)).ok


class WithoutZone:
    def __init__(self, lost: str) -> None:
        self._lost = lost

    async def serial(self, server: Endpoint, zone: str, *, timeout_s: float) -> int:
        del server, timeout_s
        if zone == self._lost:
            raise DnsError("ns1 answers without authority.")
        return 7


class LocalShell:
    """Runs what would be run on a server in a shell here: the vantage point is this machine."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self._trouble = trouble
        self.commands: list[str] = []

    async def run(self, server: str, command: str, *, timeout_s: float) -> Ran:
        del server, timeout_s
        if self._trouble is not None:
            raise self._trouble
        self.commands.append(command)
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
        return Ran(process.returncode or 0, out, err)


DNS_HEAD = bytes.fromhex("0040" "5e1f" "8400" "0001" "0001" "0000" "0000")  # fmt: skip


class TestSecondLooks:
    async def second_look(self, target: Target, *pieces: bytes, hang: bool = True, listen: bool = False) -> Look | None:
        async with serving(*pieces, hang=hang, listen_first=listen) as (port, _):
            # Where it listens first, the look for an SSH banner at the same port lasts until the end.
            timeout_s = TIMEOUT_S if not pieces else 4 * TIMEOUT_S if listen else PATIENCE_S
            return await probe_at(port, ssh=LocalShell()).second_look("two", target, timeout_s=timeout_s)

    async def test_an_ssh_banner_is_an_answer(self) -> None:
        assert await self.second_look(Target.server("one"), b"SSH-2.0-x\r\n") == Look(ok=True)

    async def test_any_http_answer_is_an_answer(self) -> None:
        answer = answer_with(b"", "500 Internal Server Error")
        assert await self.second_look(Target.server("one"), answer, listen=True) == Look(ok=True)

    async def test_silence_and_refusal_are_none(self) -> None:
        assert await self.second_look(Target.server("one")) == Look(ok=False, why="two gets no answer either")
        async with serving() as (port, _):
            pass
        look = await probe_at(port, ssh=LocalShell()).second_look("two", Target.server("one"), timeout_s=TIMEOUT_S)
        assert look == Look(ok=False, why="two gets no answer either")

    async def test_a_name_server_answers_with_authority_or_not_at_all(self) -> None:
        assert await self.second_look(Target.nameserver("ns1"), DNS_HEAD + b"rest") == Look(ok=True)
        lame = DNS_HEAD.replace(bytes.fromhex("8400"), bytes.fromhex("8005"))
        assert await self.second_look(Target.nameserver("ns1"), lame) == Look(
            ok=False, why="two gets no good answer either"
        )
        assert await self.second_look(Target.nameserver("ns1")) == Look(ok=False, why="two gets no answer either")

    @pytest.mark.parametrize("endless", [b"x" * 1_000_000, b"y\n" * 500_000])
    async def test_what_answers_without_end_is_handed_on_up_to_a_limit(self, endless: bytes) -> None:
        async with serving(endless, endless, hang=True, listen_first=False) as (port, _):
            shell = LocalShell()
            command = line_command("127.0.0.1", port, b"", timeout_s=PATIENCE_S)
            ran = await shell.run("two", command, timeout_s=PATIENCE_S)
        assert 0 < len(ran.out) <= 200 * 1001
        assert line_look(ran, "two") == Look(ok=False, why="two gets no answer either")

    async def test_a_vantage_point_that_cannot_be_used_says_nothing(self) -> None:
        probe = probe_at(1, ssh=LocalShell(LoginRefusedError("no")))
        assert await probe.second_look("two", Target.server("one"), timeout_s=TIMEOUT_S) is None

    async def test_what_is_asked_for_never_reaches_the_shell_unquoted(self) -> None:
        shell = LocalShell()
        probe = probe_at(1, ssh=shell, check=SiteCheck(path="/$(touch gotcha);`id`'\""))
        await probe.second_look("two", Target.server("one"), timeout_s=TIMEOUT_S)
        assert not any("touch" in command or "`" in command for command in shell.commands)

    @pytest.mark.parametrize(
        ("exit_code", "err"),
        [
            (127, b""),
            (126, b""),
            (125, b""),
            (1, b"bash: connect: Network is unreachable"),
            (1, b"bash: connect: Cannot assign requested address"),
            (1, b"bash: /dev/tcp/192.0.2.1/22: Too many open files"),
            (254, b"bash: fork: Resource temporarily unavailable"),
        ],
    )
    def test_a_place_that_lacks_what_it_takes_could_not_look(self, exit_code: int, err: bytes) -> None:
        assert line_look(Ran(exit_code, b"", err), "two") is None
        assert dns_look(Ran(exit_code, b"", err), "two") is None

    def test_commands_end_by_themselves(self) -> None:
        assert line_command("192.0.2.1", 22, b"", timeout_s=2).startswith("LC_ALL=C timeout -k 1 2.000 bash -c ")
        assert dns_command("192.0.2.1", 53, b"\x00a", timeout_s=2).endswith(r" 192.0.2.1 53 '\x00\x61'")


@given(st.binary(max_size=300), st.lists(st.integers(1, 40), max_size=30), st.booleans())
def test_an_answer_reads_the_same_however_it_is_cut_up(body: bytes, cuts: list[int], chunked: bool) -> None:
    if chunked:
        framed = b"".join(
            b"%x\r\n%b\r\n" % (len(body[at : at + 7]), body[at : at + 7]) for at in range(0, len(body), 7)
        )
        message = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"
    else:
        message = answer_with(body)
    answer = HttpAnswer(1000)
    at = 0
    for cut in [*cuts, len(message)]:
        answer.feed(message[at : at + cut])
        at += cut
    assert (answer.status, bytes(answer.body), answer.whole) == (200, body, True)


@given(st.binary(max_size=400), st.binary(max_size=100))
def test_no_bytes_whatever_raise_anything_but_that_it_is_not_http(noise: bytes, more: bytes) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n"):
        answer = HttpAnswer(64)
        try:
            answer.feed(start + noise)
            answer.feed(more)
            answer.end()
        except NotHttpError:
            continue
        assert len(answer.body) <= 64
