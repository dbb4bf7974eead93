"""The section `mail`, and what a server says of its own mail."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from core.fleet import Mail, MailDomain, MailMirror, MailPorts, MailQueue, ProbeMailbox, ServerMail
from core.units import shown
from ops.fleetfile import fields as f
from ops.fleetfile.sections.section import Section, setting
from ops.fleetfile.wrong import Wrong, kind_of

EVERYBODY = "all"


class ServerMailSection(Section, makes=ServerMail):
    """Where a server's mail is configured."""

    postfix: f.PathThere = setting("On this server: the directory of Postfix's main.cf.")
    dovecot: f.PathThere = setting("On this server: Dovecot's configuration file.")


class ProbeMailboxSection(Section, makes=ProbeMailbox):
    """A mailbox in which a probe message is seen to arrive."""

    user: f.MailUser = setting("Its IMAP login, which is its address too; nobody else's mail should be in it.")
    password: f.Secret = setting("Where its password is.")


class MailDomainSection(Section, makes=MailDomain):
    """Who takes a domain's mail."""

    exchangers: list[str] = setting("The servers that take its mail, in the order of the MX records.", min_length=1)
    probe: f.MailAddress | None = setting("An address that all of them must accept.")
    mailbox: ProbeMailboxSection | None = setting("Where a probe message is seen to arrive; left out: none is sent.")


class MailPortsSection(Section, makes=MailPorts):
    """The ports of the mail servers."""

    smtp: f.Port = setting("The port for SMTP.")
    imap: f.Port = setting("The port for IMAP.")


def _none_for_all(value: object) -> object:
    """Read `all` as nothing. As one of two types it would have every mistake in the other said of both."""
    if value == EVERYBODY:
        return None
    if value is not None and not isinstance(value, list):
        what = shown(value) if isinstance(value, str) else kind_of(value)
        raise Wrong(f"must be {EVERYBODY}, or a list like [ann@example.org], not {what}")
    return value


def _all_for_none(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [
        {"const": EVERYBODY, "type": "string"} if one == {"type": "null"} else one for one in schema["anyOf"]
    ]
    schema["default"] = EVERYBODY


class MailMirrorSection(Section, makes=MailMirror):
    """How mailboxes are kept alike."""

    every: f.Duration = setting("How often they are made alike.")
    users: Annotated[
        Annotated[list[f.MailUser], f.AtLeastOne] | None,
        BeforeValidator(_none_for_all),
    ] = setting("Whose: all, or a list of logins.", json_schema_extra=_all_for_none)


class MailQueueSection(Section, makes=MailQueue):
    """How much may wait in a mail server's queue."""

    messages: f.Many = setting("More messages that wait are a warning.")
    oldest: f.Duration = setting("One that waits for longer is a warning.")


class MailSection(Section, makes=Mail):
    """The mail that the servers take."""

    domains: dict[f.HostName, MailDomainSection] = setting("The mail domains by name.", min_length=1)
    ports: MailPortsSection = setting("The ports of the mail servers.")
    mirror: MailMirrorSection | None = setting(
        "Mailboxes kept alike on all exchangers of their domain, both ways; left out: not."
    )
    queue: MailQueueSection = setting("How much may wait in their queues.")
