"""The key that signs: read when it is first needed, checked, and never shown."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import dns.exception
import dns.name
import dns.tsig

from core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.fleet import SecretRef, Tsig

# The truncated ones of RFC 8945, section 6, included: the fleet file knows them. Without MD5 and SHA-1, of
# which it forbids the one and advises against the other.
_ALGORITHMS: Mapping[str, dns.name.Name] = {
    text: name
    for name in dns.tsig.mac_sizes
    if (text := name.to_text(omit_final_dot=True)).startswith("hmac-") and text != "hmac-sha1"
}


def read_key(tsig: Tsig, secret: Callable[[SecretRef], str]) -> dns.tsig.Key:
    """Return the key that `tsig` describes. Raises SettingsError, which never shows the secret.

    The key itself must not be logged either: its repr holds the secret.
    """
    algorithm = _ALGORITHMS.get(tsig.algorithm.lower().rstrip("."))
    if algorithm is None:
        raise SettingsError(
            f"dns.tsig.algorithm is {tsig.algorithm!r}, which is not known.", hint="One of " + ", ".join(_ALGORITHMS)
        )
    try:
        name = dns.name.from_text(tsig.name)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise SettingsError(f"dns.tsig.name is {tsig.name!r}, which is no name: {error}.") from error
    try:
        # dnspython itself passes over what is not base64, and would sign with half a key.
        raw = base64.b64decode("".join(secret(tsig.secret).split()), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw:
        raise SettingsError(
            f"The secret of the DNS key {tsig.name!r}, read from {tsig.secret}, is not base64.",
            hint="It is the long word after `secret` in the server's key file, without the quotes.",
        )
    return dns.tsig.Key(name, raw, algorithm)
