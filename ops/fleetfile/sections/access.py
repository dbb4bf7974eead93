"""The key `ssh` of a server: how the bot logs in."""

from core.fleet import SshLogin
from ops.fleetfile import fields as f
from ops.fleetfile.sections.section import Section, setting


class SshSection(Section, makes=SshLogin):
    """How the bot logs in."""

    user: f.Login = setting("The user to log in as.")
    port: f.Port = setting("The port of its SSH server.", default=22)
    key: f.Secret = setting("The bot's private key: file:PATH on the bot's machine, or env:NAME holding its text.")
    known_hosts: f.PathHere = setting(
        "A file on the bot's machine with the server's pinned host key, as ssh-keyscan writes it."
    )
