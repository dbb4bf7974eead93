"""The section `mail`."""

from core.fleet import Mail, MailDomain, MailPorts
from ops.fleetfile import fields as f
from ops.fleetfile.sections.section import Section, setting


class MailDomainSection(Section, makes=MailDomain):
    """Who takes a domain's mail."""

    exchangers: list[str] = setting("The servers that take its mail, in the order of the MX records.", min_length=1)
    probe: f.MailAddress | None = setting("An address that all of them must accept.")


class MailPortsSection(Section, makes=MailPorts):
    """The ports of the mail servers."""

    smtp: f.Port = setting("The port for SMTP.")
    imap: f.Port = setting("The port for IMAP.")


class MailSection(Section, makes=Mail):
    """The mail that the servers take."""

    domains: dict[f.HostName, MailDomainSection] = setting("The mail domains by name.")
    ports: MailPortsSection = setting("The ports of the mail servers.")
