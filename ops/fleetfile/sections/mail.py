"""The section `mail`."""

from pydantic import Field

from core.fleet import Mail, MailDomain
from ops.fleetfile import fields as f
from ops.fleetfile.sections.section import Section, default


class MailDomainSection(Section):
    """Who takes a domain's mail."""

    exchangers: list[str] = Field(
        min_length=1, description="The servers that take its mail, in the order of the MX records."
    )
    probe: f.MailAddress | None = Field(default=None, description="An address that all of them must accept.")


class MailPortsSection(Section):
    """The ports of the mail servers."""

    smtp: f.Port = default(Mail, "smtp_port", "The port for SMTP.")
    imap: f.Port = default(Mail, "imap_port", "The port for IMAP.")


class MailSection(Section):
    """The mail that the servers take."""

    domains: dict[f.HostName, MailDomainSection] = Field(description="The mail domains by name.")
    ports: MailPortsSection = Field(default_factory=MailPortsSection, description="The ports of the mail servers.")


def mail_from(mail: MailSection | None) -> Mail | None:
    """Return the mail that the servers take; None where the file says nothing of it."""
    if mail is None:
        return None
    domains = tuple(MailDomain(name, tuple(entry.exchangers), entry.probe) for name, entry in mail.domains.items())
    return Mail(domains, mail.ports.smtp, mail.ports.imap)
