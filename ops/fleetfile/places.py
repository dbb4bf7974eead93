"""Places as the file writes them: paths there and here, addresses, URLs, and where secrets are."""

from __future__ import annotations

import os.path
import posixpath
import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from core.fleet import SecretRef
from core.units import shown
from ops.fleetfile.names import host_name, spelled
from ops.fleetfile.wrong import Wrong

if TYPE_CHECKING:
    from pathlib import Path

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PLACEHOLDER = re.compile(r"\{[^{}/]*\}")
_URL = re.compile(r"https?://[!-~]+", re.ASCII)
SECRET_HINT = "A secret is never written into this file: only where it is, env:NAME or file:PATH."  # noqa: S105


def path_of_server(text: str) -> str:
    """Read a path on a server in which `{server}` stands for that server's name."""
    for found in _PLACEHOLDER.findall(text):
        if found != "{server}":
            raise Wrong(f"{shown(found)} is not filled in", "Only {server} is: it becomes the server's name.")
    return path_there(text)


def path_there(text: str) -> str:
    """Read a path on a server: absolute, without `..`; any other character may stand in it."""
    if not text.startswith("/"):
        raise Wrong(f"{shown(text)} is no absolute path", "Begin it with /.")
    if "\0" in text:
        raise Wrong(f"{shown(text)} has a NUL character in it", "No path can.")
    if ".." in text.split("/"):
        raise Wrong(f"{shown(text)} goes upwards: it has .. in it", "Write where it ends.")
    normal = "/" + posixpath.normpath(text).lstrip("/")
    if normal == "/":
        raise Wrong(f"{shown(text)} is the whole machine", "Write a separate directory.")
    return normal


def path_here(text: str, folder: Path) -> str:
    """Read a path on the bot's machine, which may be relative to the fleet file's `folder`; return an absolute one."""
    if not text or not text.isprintable():
        raise Wrong(f"{shown(text)} is no path", "Printable characters, at least one.")
    if text.startswith("~"):
        raise Wrong(f"{shown(text)}: ~ is not filled in", "Write the whole path, or one relative to this file.")
    return _absolute(text, folder)


# A line for a server's shell, as its operator wants it run there.
shell_line = spelled(r"\s*[^\s\0][^\0]*", "is no command", "Write what the shell shall run.")
# One of rsync's patterns (rsync(1), "INCLUDE/EXCLUDE PATTERN RULES"): any text.
exclude_pattern = spelled(r"[^\0]+", "is no pattern", 'Write what rsync shall leave alone, like cache/ or "*.tmp".')
# The path of a web page, as it stands in a request.
url_path = spelled(r"/(?!.*#)[!-~]*", "is no path of a page", "Begin it with /, and write other characters as %20.")


def ipv4(text: str) -> str:
    """Read an IPv4 address."""
    try:
        address = IPv4Address(text)
    except AddressValueError as error:
        hint = "An IPv6 address goes under ipv6." if ":" in text else "Four numbers, like 192.0.2.7."
        raise Wrong(f"{shown(text)} is no IPv4 address", hint) from error
    return str(_of_a_host(address))


def ipv6(text: str) -> str:
    """Read an IPv6 address, and return it in its shortest form (RFC 5952)."""
    try:
        address = IPv6Address(text)
    except AddressValueError as error:
        hint = "An IPv4 address goes under ipv4." if text.count(".") == 3 else "Like 2001:db8::7."  # noqa: PLR2004
        raise Wrong(f"{shown(text)} is no IPv6 address", hint) from error
    if address.ipv4_mapped:
        raise Wrong(f"{shown(text)} is an IPv4 address in the dress of IPv6", f"Write ipv4: {address.ipv4_mapped}.")
    if address.scope_id:
        raise Wrong(f"{shown(text)} holds only on one link (%{address.scope_id})", "Write a global address.")
    return str(_of_a_host(address))


def ip(text: str) -> str:
    """Read an address of either family."""
    return ipv6(text) if ":" in text else ipv4(text)


def ip_or_host(text: str) -> str:
    """Read an address of either family, or a host name."""
    try:
        ip_address(text)
    except ValueError:
        return host_name(text)
    return ip(text)


def _of_a_host(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if address.is_unspecified or address.is_multicast:
        raise Wrong(f"{address} is the address of no single machine", "Write the machine's own address.")
    return address


def url(text: str) -> str:
    """Read the http or https address of a page."""
    hint = "Write it like https://uk.example.org/."
    try:
        host = urlsplit(text).hostname if _URL.fullmatch(text) else None
        port_is_fine = host is not None and (urlsplit(text).port or 1) > 0
    except ValueError as error:
        raise Wrong(f"{shown(text)} is no web address", hint) from error
    if not host or not port_is_fine:
        raise Wrong(f"{shown(text)} is no web address", hint)
    return text


def secret_ref(value: object, folder: Path) -> SecretRef:
    """Read where a secret is: a file absolutely. A secret itself is refused without being repeated."""
    kind, colon, where = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not colon or kind not in {"env", "file"}:
        raise Wrong("is neither env:NAME nor file:PATH", SECRET_HINT)
    if kind == "env" and not _ENV_NAME.fullmatch(where):
        raise Wrong("names no environment variable after env:", SECRET_HINT)
    if kind == "file" and (not where or not where.isprintable() or where.startswith("~")):
        raise Wrong(
            "names no file after file:", "Write a whole path, or one relative to this file; ~ is not filled in."
        )
    return SecretRef("env", where) if kind == "env" else SecretRef("file", _absolute(where, folder))


def _absolute(path: str, folder: Path) -> str:
    return os.path.abspath(os.path.join(folder, path))  # noqa: PTH100, PTH118  Path.resolve would follow links
