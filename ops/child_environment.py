"""What a process that the bot starts gets to see of the bot's environment: never its secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where programs and certificates are, how the world outside is reached, how text and times are written. Nothing is
# handed on for not looking like a secret: what is not here is not.
HANDED_ON: Final = frozenset(
    {
        "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
        "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    }
)  # fmt: skip


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the part of an environment that a child is given."""
    return {name: value for name, value in environ.items() if name in HANDED_ON}
