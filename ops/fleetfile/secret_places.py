"""The secrets that a fleet file points to, and the other files of this machine that it needs."""

from __future__ import annotations

import os
import shlex
import stat
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import SettingsError
from core.fleet import SecretRef
from core.fleet.raw_tree import Inconsistency, at, entries_at, mapping_at, texts_at
from ops.fleetfile.places import path_here, secret_ref
from ops.fleetfile.wrong import Wrong
from ops.own_lack import own_lack
from ops.writable import why_writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from core.fleet import Fleet
    from core.fleet.raw_tree import Where

MOST_SECRET_BYTES = 1 << 20
OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a secret cannot be read, or must not be (then it is serious, read or not)."""

    message: str
    hint: str
    serious: bool = False


def secret_reader(fleet: Fleet, environ: Mapping[str, str] = os.environ) -> Callable[[SecretRef], str]:
    """Return what reads a secret of `fleet`: without its last newline, anew each time, so that a changed one counts.

    What it returns raises OwnLackError, and SettingsError, which says what the secret is for and never what it is.
    """

    def read(secret: SecretRef) -> str:
        text = _read(secret, environ)
        if isinstance(text, _Fault):
            use = next((f"{where}: " for where, known in _secrets_of(fleet) if known == secret), "")
            raise SettingsError(f"{use}{text.message}.", hint=text.hint)
        return text

    return read


def secret_troubles(tree: object, folder: Path, environ: Mapping[str, str]) -> Iterator[Inconsistency]:
    """Yield what is wrong with the secrets that a file points to, and with its known_hosts files.

    A secret file that others can read is serious. What is not there only warns: a command that does not need it still
    works, and the one that does says so when it reads it.
    """
    told: set[SecretRef] = set()
    for where, value in _secrets_in(tree):
        with suppress(Wrong):
            secret = secret_ref(value, folder)
            fault = None if secret in told else _fault(secret, environ)
            told.add(secret)
            if fault is not None:
                yield Inconsistency(where, fault.message, fault.hint, fault.serious)
            elif secret.kind == "file":
                yield from _changeable(where, secret.where)
    yield from _codes(tree, folder, environ)
    for where, value in _known_hosts_in(tree):
        with suppress(Wrong):
            path = path_here(value, folder)
            if not os.access(path, os.R_OK):
                hint = "Write it with ssh-keyscan, and compare the keys with the servers' own."
                yield Inconsistency(where, f"{path} cannot be read", hint, serious=False)
            yield from _changeable(where, path)


def secret_for_codes(folder: str, holder: str) -> SecretRef:
    """Return where in the folder of the second factor the secret of `holder` is."""
    return SecretRef("file", str(Path(folder) / f"{holder}.totp"))


def is_missing(secret: SecretRef) -> bool:
    """Return whether a secret's file is not there; one that cannot be looked at may be."""
    try:
        Path(secret.where).stat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False


def _codes(tree: object, folder: Path, environ: Mapping[str, str]) -> Iterator[Inconsistency]:
    """Yield which of the approvers listed one by one have no secret for codes, or one that must not be used."""
    codes = at(tree, "slack", "second_factor")
    if not isinstance(codes, str):
        return
    for index, user in texts_at(at(tree, "slack"), "approvers"):
        with suppress(Wrong):
            secret = secret_for_codes(path_here(codes, folder), user)
            fault = _fault(secret, environ) if user[:1] in {"U", "W"} else None
            if fault is not None and is_missing(secret):
                message = f"{user} cannot approve: no secret for codes is there"
                fault = _Fault(message, f"Type: sharpnet enroll {user}")
            if fault is not None:
                yield Inconsistency(("slack", "approvers", index), fault.message, fault.hint, fault.serious)


def _changeable(where: Where, path: str) -> Iterator[Inconsistency]:
    found = why_writable(path)
    if found is not None:
        yield Inconsistency(where, f"{path} {found.message}", found.hint, found.serious)


def _fault(secret: SecretRef, environ: Mapping[str, str]) -> _Fault | None:
    if secret.kind == "env":
        if environ.get(secret.where):
            return None
        return _Fault(f"the environment variable {secret.where} is not set", "Set it where the bot is started.")
    try:
        found = Path(secret.where).stat()
    except OSError as error:
        return _unreadable(secret, error)
    fault = _fault_of_file(secret, found)
    if fault is not None:
        return fault
    writable = why_writable(secret.where)
    if writable is not None and writable.serious:
        return _Fault(f"{secret.where} {writable.message}", writable.hint, serious=True)
    return None


def _fault_of_file(secret: SecretRef, found: os.stat_result) -> _Fault | None:
    if not stat.S_ISREG(found.st_mode):
        return _Fault(f"{secret.where} is no file", "Name the file that holds the secret.", serious=True)
    if found.st_mode & OTHERS:
        mode = f"{stat.S_IMODE(found.st_mode):04o}"
        return _Fault(
            f"{secret.where} is open to others (mode {mode})",
            f"Type: chmod 600 {shlex.quote(secret.where)}",
            serious=True,
        )
    if not 0 < found.st_size <= MOST_SECRET_BYTES:
        return _Fault(f"{secret.where} holds {found.st_size:,} bytes", "Name the file that holds the secret.")
    return None


def _unreadable(secret: SecretRef, error: OSError) -> _Fault:
    if isinstance(error, FileNotFoundError):
        return _Fault(f"{secret.where} is not there", "Write the secret into it, and make it yours alone: chmod 600.")
    return _Fault(
        f"{secret.where} cannot be read: {error.strerror}", "The user who runs Sharpnet must be able to read it."
    )


def text_of_secret(secret: SecretRef, environ: Mapping[str, str] = os.environ) -> str:
    """Return a secret without its last newline. Raises SettingsError, which never says what it is."""
    text = _read(secret, environ)
    if isinstance(text, _Fault):
        raise SettingsError(f"{text.message}.", hint=text.hint)
    return text


def _read(secret: SecretRef, environ: Mapping[str, str]) -> str | _Fault:
    fault = _fault(secret, environ)
    if fault is not None:
        return fault
    if secret.kind == "env":
        return environ[secret.where]
    try:
        with Path(secret.where).open("rb") as file:
            # Looked at again: it may be another file than a moment ago.
            fault = _fault_of_file(secret, os.fstat(file.fileno()))
            text = file.read(MOST_SECRET_BYTES).decode()
    except OSError as error:
        if lack := own_lack(error):
            raise lack from error
        return _unreadable(secret, error)
    except UnicodeDecodeError:
        return _Fault(f"{secret.where} holds no text", "Name the file that holds the secret.")
    return fault or text.removesuffix("\n").removesuffix("\r")


def _secrets_in(tree: object) -> Iterator[tuple[Where, object]]:
    for name, server in mapping_at(tree, "servers").items():
        yield ("servers", name, "ssh", "key"), at(server, "ssh", "key")
    for where in (("dns", "tsig", "secret"), ("offsite", "server", "ssh", "key"), ("offsite", "password")):
        yield where, at(tree, *where)
    for where in (("heartbeat", "url"), ("web", "alertmanager")):
        if at(tree, *where) is not None:
            yield where, at(tree, *where)
    for index, value in enumerate(entries_at(tree, "notify")):
        yield ("notify", index), value
    for key, value in mapping_at(tree, "dns", "provider").items():
        # Only its backend knows which of them are secrets: what does not say where one is, is none.
        yield ("dns", "provider", key), value
    yield from _passwords_in(tree)


def _passwords_in(tree: object) -> Iterator[tuple[Where, object]]:
    for name, site in mapping_at(tree, "sites").items():
        for index, database in enumerate(entries_at(site, "databases")):
            if at(database, "password") is not None:
                yield ("sites", name, "databases", index, "password"), at(database, "password")
    for name, domain in mapping_at(tree, "mail", "domains").items():
        if at(domain, "mailbox", "password") is not None:
            yield ("mail", "domains", name, "mailbox", "password"), at(domain, "mailbox", "password")


def _known_hosts_in(tree: object) -> Iterator[tuple[Where, str]]:
    told: set[str] = set()
    places: list[Where] = [("servers", name, "ssh", "known_hosts") for name in mapping_at(tree, "servers")]
    for where in (*places, ("offsite", "server", "ssh", "known_hosts")):
        value = at(tree, *(str(part) for part in where))
        if isinstance(value, str) and value not in told:
            told.add(value)
            yield where, value


def _secrets_of(value: object, where: str = "") -> Iterator[tuple[str, SecretRef]]:
    """Yield every secret in a fleet, or in a part of it, with its key in the file."""
    if isinstance(value, SecretRef):
        yield where, value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _secrets_of(getattr(value, field.name), f"{where}.{field.name}" if where else field.name)
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _secrets_of(entry, f"{where}.{key}")
    elif isinstance(value, tuple):
        for index, entry in enumerate(value):
            yield from _secrets_of(entry, f"{where}[{index}]")
