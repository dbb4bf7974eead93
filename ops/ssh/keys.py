"""The keys of SSH: the bot's own, and the pinned ones of the servers. Nothing is ever learnt from a server itself."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
from paramiko.hostkeys import HostKeyEntry, HostKeys, InvalidHostKey

from core.errors import HostKeyError, SettingsError
from ops.own_lack import own_lack

if TYPE_CHECKING:
    from core.fleet import SecretRef, Server

SSH_PORT = 22
CERTIFICATE = "-cert.pub"
_KINDS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


def read_key(text: str, ref: SecretRef) -> paramiko.PKey:
    """Return the private key that `text` holds, Ed25519, ECDSA or RSA; `ref` is where it was found.

    A certificate beside a key file (`KEY-cert.pub`) goes with it. Raises SettingsError, which never quotes the text.
    """
    for kind in _KINDS:
        try:
            key = kind.from_private_key(io.StringIO(text.strip() + "\n"))
        except paramiko.PasswordRequiredException as error:
            raise SettingsError(
                f"The SSH key {ref} is protected by a passphrase, which the bot cannot type.",
                hint="Make a separate key without one: ssh-keygen -t ed25519 -N '' -f FILE.",
            ) from error
        # paramiko says "not a key of this kind" in three ways, depending on where it notices.
        except (paramiko.SSHException, ValueError, IndexError):
            continue
        certificate = Path(ref.where + CERTIFICATE)
        if ref.kind == "file" and certificate.is_file():
            key.load_certificate(str(certificate))
        return key
    raise SettingsError(
        f"{ref} holds no SSH private key that can be read (Ed25519, ECDSA or RSA).",
        hint="Make one: ssh-keygen -t ed25519 -N '' -f FILE.",
    )


def pinned_keys(server: Server) -> list[paramiko.PKey]:
    """Return the host keys that are pinned for `server` in its known_hosts; any of them will do (sshd(8)).

    Raises HostKeyError where there are none, or where the file has a line that would be misread; OwnLackError.
    """
    path, name = server.ssh.known_hosts, known_name(server)
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        if lack := own_lack(error):
            raise lack from error
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise HostKeyError(f"The host key of {name} cannot be checked: {path}: {why}.", hint=_pin_it(server)) from error
    keys = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            entry = _entry(line.strip(), f"{path}, line {number}")
            if entry is not None and any(_is_named(host_name(server), known) for known in entry.hostnames):
                keys.append(entry.key)
    if not keys:
        raise HostKeyError(f"No host key of {name} is pinned in {path}.", hint=_pin_it(server))
    return keys


def _entry(line: str, where: str) -> HostKeyEntry | None:
    """Read one line; paramiko's own reader passes over what it cannot read, or refuses the whole file unsaid."""
    if line.startswith("@"):
        raise HostKeyError(
            f"{where} begins with {line.split(maxsplit=1)[0]}, which the bot cannot honour: it refuses the whole file.",
            hint="Keep the bot's pinned keys in a separate file, with plain lines only.",
        )
    try:
        # None: a kind of key that is not known here, such as those in security tokens; another line may serve.
        return HostKeyEntry.from_line(line)
    except (InvalidHostKey, paramiko.SSHException, ValueError, IndexError) as error:
        raise HostKeyError(f"{where} is no line of a known_hosts file.", hint="Mend or remove that line.") from error


def _is_named(name: str, known: str) -> bool:
    return known == name or (known.startswith("|1|") and HostKeys.hash_host(name, known) == known)


def host_name(server: Server) -> str:
    """Return how known_hosts names the server: with its port in brackets unless that is 22 (sshd(8))."""
    address, port = server.address, server.ssh.port
    return address if port == SSH_PORT else f"[{address}]:{port}"


def known_name(server: Server) -> str:
    """Return how messages name the server: `uk (192.0.2.1:22)`."""
    address = f"[{server.address}]" if ":" in server.address else server.address
    return f"{server.name} ({address}:{server.ssh.port})"


def wrong_key(server: Server, shown: paramiko.PKey, pinned: list[paramiko.PKey]) -> HostKeyError:
    """Return the error that says which key was expected and which one came."""
    expected = " or ".join(f"{key.fingerprint} ({key.get_name()})" for key in pinned)
    return HostKeyError(
        f"{known_name(server)} shows the host key {shown.fingerprint} ({shown.get_name()}) instead of the pinned one: "
        f"{expected}.",
        hint=(
            "Somebody may stand between. If the server was set up anew, look at its key on its own console, then: "
            f"ssh-keygen -R '{host_name(server)}' -f {server.ssh.known_hosts} && {_scan(server)}"
        ),
    )


def _pin_it(server: Server) -> str:
    return f"Pin it: {_scan(server)} (and compare with the key shown on the server's own console)."


def _scan(server: Server) -> str:
    return f"ssh-keyscan -p {server.ssh.port} {server.address} >> {server.ssh.known_hosts}"
