"""The certificate that a mail server shows, read as it is."""

from __future__ import annotations

from cryptography import x509

from core.mail.smtp import Certificate


def certificate_of(der: bytes) -> Certificate | None:
    """Return whom a certificate is for, and until when; None where it cannot be read."""
    try:
        found = x509.load_der_x509_certificate(der)
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    except ValueError:
        return None
    return Certificate(tuple(names), found.not_valid_after_utc)
