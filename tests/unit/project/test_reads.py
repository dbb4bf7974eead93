"""Whatever reads from outside has a limit (law 14): each place that reads stands here, with what limits it."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
LAYERS = ("bot", "commands", "jobs", "ops", "core")
# What takes in bytes, whoever sends them, and what opens a way on which some may come.
READING = frozenset(
    {
        *("recv", "recv_into", "recv_stderr", "recvfrom", "recvmsg", "sock_recv", "sock_recv_into", "makefile"),
        *("read", "readline", "readlines", "readexactly", "readuntil", "readany", "readchunk", "read1", "readall"),
        *("iter_any", "iter_chunked", "iter_chunks", "iter_lines", "iter_content", "text", "json", "form", "multipart"),
        *("communicate", "check_output", "listdir", "listdir_attr", "listdir_iter", "read_text", "read_bytes"),
        *("receive", "receive_str", "receive_json", "receive_bytes", "getfo", "urlopen"),
    }
)
OPENING = frozenset(
    {
        *("create_server", "create_unix_server", "start_server", "start_unix_server", "run_app"),
        *("TCPSite", "SockSite", "UnixSite", "ClientSession", "ws_connect"),
        *("create_connection", "create_datagram_endpoint", "open_connection", "connect_read_pipe"),
        *("create_subprocess_exec", "create_subprocess_shell", "Popen"),
    }
)
ONE_MESSAGE = "a DNS message has a length of two bytes"
OURS = "a file of this machine's operator, or our own"
LIMITED = {
    "bot/terminal/who.py: file.read_text": "a process's own few lines below /proc, written by the kernel",
    "commands/_second_factor.py: request.read": "a line that a person types",
    "core/backup/sftp_filter.py: PacketReader(rest).text": "a packet of MOST_BYTES, in sftp_packets",
    "core/backup/sftp_filter.py: reader.text": "likewise",
    "ops/ssh/local.py: os.read": "so many bytes a call; the sides of a stream count them (Allowance)",
    "ops/ssh/local.py: subprocess.Popen": "its output is read by ops.ssh.stream and .command, with their limits",
    "bot/slack/settings.py: self.content.iter_any": "BoundedResponse: an Intake",
    "bot/slack/settings.py: aiohttp.ClientSession": "its answers are BoundedResponses",
    "bot/slack/picture.py: draw.text": "writes",
    "bot/web/alertmanager.py: request.read": "bounded_application: aiohttp's client_max_size",
    "bot/web/listening.py: loop.create_server": "the Door: so many connections, so long each",
    "bot/wiring.py: path.read_bytes": OURS,
    "bot/wiring.py: self._path.read_bytes": OURS,
    "ops/boot_time.py: BOOT_ID.read_text": OURS,
    "ops/checks/icmp.py: loop.sock_recv": "a datagram",
    "ops/checks/transfers.py: stream.receive": ONE_MESSAGE,
    "ops/dns/backends/rfc2136.py: stream.receive": ONE_MESSAGE,
    "ops/dns/transfer.py: stream.receive": "MOST_ZONE_BYTES, over all messages",
    "ops/dns/wire.py: asyncio.open_connection": "what comes is read by readexactly",
    "ops/dns/wire.py: loop.create_datagram_endpoint": "a bounded queue",
    "ops/dns/wire.py: self._reader.readexactly": ONE_MESSAGE,
    "ops/durable/witnesses.py: self._path.read_bytes": OURS,
    "ops/fleetfile/reading.py: path.read_bytes": OURS,
    "ops/fleetfile/secret_places.py: file.read": OURS,
    "ops/notify/routes.py: aiohttp.ClientSession": "only the status is looked at, no body is read",
    "ops/notify/routes.py: asyncio.create_subprocess_exec": "its output is read by an Intake",
    "ops/notify/routes.py: sending.stdout.read": "an Intake",
    "ops/mail/wire.py: loop.create_connection": "LIMIT_BYTES, LONGEST_LINE_BYTES",
    "ops/probe/trust.py: file.read_bytes": OURS,
    "ops/probe/tcp.py: loop.create_connection": "each Listener has a limit (ops.probe.lines, .expect, .http)",
    "ops/ssh/command.py: channel.recv": "the server's Allowance; what is told, MOST_TOLD_BYTES",
    "ops/ssh/command.py: channel.recv_stderr": "the server's Allowance",
    "ops/ssh/connection.py: socket.create_connection": "BoundedPacketizer",
    "ops/ssh/files.py: sftp.listdir_iter": "MOST_ENTRIES",
    "ops/ssh/keys.py: Path(path).read_text": OURS,
    "ops/ssh/stream.py: giver.open.recv": "MOST_HELD, and MOST_UNASKED of what is not read yet",
    "ops/ssh/stream.py: self.sink.open.recv": "the server's Allowance",
    "ops/ssh/stream.py: side.open.recv_stderr": "the server's Allowance",
}
# Not called, these are fields of many a value.
FIELDS = frozenset({"text", "json", "form"})
# The store's and the witnesses' own verbs.
NO_READS = ("self._db.read", "self.read", "self._suppression.read", "self._witnesses[name].read")


def reads_in(source: str) -> set[str]:
    """Return what reads in a file's source, or opens a way to be read from; handed on to be called later, too."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    handed_on = [
        one for call in calls for one in call.args if isinstance(one, ast.Attribute) and one.attr not in FIELDS
    ]
    called = [call.func for call in calls]
    named = {
        ast.unparse(one)
        for one in (*called, *handed_on)
        if (isinstance(one, ast.Attribute) and one.attr in READING | OPENING)
        or (isinstance(one, ast.Name) and one.id in OPENING)
    }
    return {name for name in named if name not in NO_READS}


def test_every_place_that_reads_from_outside_is_known_with_its_limit() -> None:
    found = {
        f"{file.relative_to(ROOT)}: {name}"
        for layer in LAYERS
        for file in (ROOT / layer).rglob("*.py")
        for name in reads_in(file.read_text())
    }
    new, gone = sorted(found - LIMITED.keys()), sorted(LIMITED.keys() - found)
    assert not new, f"give each a limit (ops.limits), and write it here: {new}"
    assert not gone, f"no longer there: {gone}"


def test_a_new_read_is_found_whatever_it_reads() -> None:
    source = "async def ask(answer):\n    body = await answer.json()\n    return body, sock.recv(1 << 20)\n"
    assert reads_in(source) == {"answer.json", "sock.recv"}
    assert reads_in("await asyncio.to_thread(path.read_bytes)\nput(part.text)") == {"path.read_bytes"}
    assert reads_in("server = await asyncio.start_server(take, None, 80)") == {"asyncio.start_server"}
