"""What runs on a broken server in restic's place: it has restic's way to the off-site host, and asks what it likes.

Standard input and output are the SFTP channel; the first line of input is the repository's password. Arguments: the
requests as JSON, each a list of the packet's kind and its fields; a text is a string, `handle` the last handle that was
given. It writes a line a request to standard error: the status, or `answered`.
"""

import json
import struct
import sys

SFTP, BACK = sys.stdin.buffer, sys.stdout.buffer
HANDLE, STATUS = 102, 101


def field(value: object, handle: bytes) -> bytes:
    if isinstance(value, int):
        return struct.pack(">I", value)
    text = handle if value == "handle" else str(value).encode()
    return struct.pack(">I", len(text)) + text


def exchange(body: bytes) -> bytes:
    BACK.write(struct.pack(">I", len(body)) + body)
    BACK.flush()
    return SFTP.read(struct.unpack(">I", SFTP.read(4))[0])


SFTP.readline()
exchange(bytes([1]) + struct.pack(">I", 3))
last = b""
for number, (kind, *fields) in enumerate(json.loads(sys.argv[1])):
    body = bytes([kind]) + struct.pack(">I", number) + b"".join(field(one, last) for one in fields)
    answer = exchange(body)
    if answer[0] == HANDLE:
        last = answer[9:]
    status = struct.unpack(">I", answer[5:9])[0] if answer[0] == STATUS else "answered"
    sys.stderr.write(f"{status}\n")
