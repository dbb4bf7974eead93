"""A certificate authority of the lab's own, for fleets that serve HTTPS."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from lab import programs
from lab.fleet import FleetSpec, ServerSpec

_SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_DAYS = ("-days", "30")
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *_DAYS)


def bundle_of(folder: Path) -> Path:
    """Say where the certificates are that a client trusts here: the authority's, and those the machine trusts."""
    return folder / "ca-bundle.pem"


def make_authority(folder: Path) -> None:
    """Make the authority, and the bundle for those who shall trust it, where there is none."""
    certificate, key, bundle = folder / "ca.pem", folder / "ca.key", bundle_of(folder)
    if not bundle.exists():
        folder.mkdir(parents=True, exist_ok=True)
        uses = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        subject = ["-subj", "/CN=Lab authority"]
        programs.run(["openssl", "req", "-x509", *_NEW_KEY, *subject, *uses, "-keyout", key, "-out", certificate])
        trusted = _SYSTEM_BUNDLE.read_text(encoding="utf-8") if _SYSTEM_BUNDLE.exists() else ""
        programs.write(bundle, trusted + certificate.read_text(encoding="utf-8"), 0o644)


def make_certificate(server: ServerSpec, fleet: FleetSpec, authority: Path, folder: Path) -> None:
    """Make the server's certificate, good for its addresses and for every name that it serves."""
    names = [name for site in fleet.sites.values() if server.name in site.roots for name in site.names]
    names += [server.mail.name] if server.mail.name else []
    names += [fleet.exchanger_name(server.name, domain.name) for domain in server.mail.domains]
    names = list(dict.fromkeys(names))
    alternatives = ",".join([*(f"DNS:{name}" for name in names), *(f"IP:{address}" for address in server.addresses)])
    config = folder / "tls" / "request.cnf"
    if config.with_name("server.pem").exists():
        return
    lines = ["[req]", "distinguished_name=subject", "x509_extensions=uses", "prompt=no"]
    lines += ["[subject]", f"CN={server.ipv4}", "[uses]", "basicConstraints=critical,CA:FALSE"]
    lines += ["keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth", f"subjectAltName={alternatives}"]
    programs.write(config, "\n".join(lines) + "\n")
    made: list[str | Path] = ["-keyout", config.with_name("server.key"), "-out", config.with_name("server.pem")]
    programs.run(["openssl", "req", "-x509", *_NEW_KEY, "-config", config, *_signer(authority), *made])


@contextlib.contextmanager
def expired(authority: Path, folder: Path) -> Iterator[None]:
    """Let the certificate in a server's folder be one of the same key and names that was made two months ago."""
    certificate, config = folder / "tls" / "server.pem", folder / "tls" / "request.cnf"
    good = certificate.read_text(encoding="utf-8")
    old: list[str | Path] = ["faketime", "-f", "-60d", "openssl", "req", "-x509", *_DAYS, "-config", config]
    programs.run([*old, *_signer(authority), "-key", config.with_name("server.key"), "-out", certificate])
    try:
        yield
    finally:
        programs.write(certificate, good)


def _signer(authority: Path) -> list[str | Path]:
    return ["-CA", authority / "ca.pem", "-CAkey", authority / "ca.key"]
