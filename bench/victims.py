"""Servers to be killed: `python -m bench.victims FILE HTTP_PORT SSH_PORT ADDRESS…` runs one process for each address.

Each answers any HTTP request with a page, and says on its SSH port what an SSH server says first. FILE then holds their
process ids, a line each; they end with this process.
"""

import os
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

from bench.peers import CONTAINS

PAGE = f"{CONTAINS}\n".encode()
ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(PAGE), PAGE)
BANNER = b"SSH-2.0-bench\r\n"
REQUEST_BYTES = 4096
REQUEST_S = 2.0


def main() -> None:
    """Start them all and wait until this process is ended."""
    file, http_port, ssh_port, *addresses = sys.argv[1:]
    pids = [_start(address, int(http_port), int(ssh_port)) for address in addresses]
    ready = Path(file).with_suffix(".new")
    ready.write_text("".join(f"{pid}\n" for pid in pids), encoding="ascii")
    ready.rename(file)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _start(address: str, http_port: int, ssh_port: int) -> int:
    http = socket.create_server((address, http_port))
    ssh = socket.create_server((address, ssh_port))
    pid = os.fork()
    if pid == 0:
        _serve(http, ssh)
    http.close()
    ssh.close()
    return pid


def _serve(http: socket.socket, ssh: socket.socket) -> NoReturn:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    selector = selectors.DefaultSelector()
    selector.register(http, selectors.EVENT_READ, data=ANSWER)
    selector.register(ssh, selectors.EVENT_READ, data=BANNER)
    while True:
        for key, _ in selector.select():
            listening = http if key.data is ANSWER else ssh
            connection, _ = listening.accept()
            try:
                _talk(connection, key.data)
            except OSError:
                continue


def _talk(connection: socket.socket, says: bytes) -> None:
    with connection:
        connection.settimeout(REQUEST_S)
        if says is ANSWER:
            connection.recv(REQUEST_BYTES)
        connection.sendall(says)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
