"""The key `ssh` of a server: how the bot logs in."""

from pathlib import Path

from pydantic import Field

from core.fleet import SshLogin
from ops.fleetfile import fields as f
from ops.fleetfile.places import path_in, secret_in
from ops.fleetfile.sections.section import Section

DEFAULT_SSH_PORT = 22


class SshSection(Section):
    """How the bot logs in."""

    user: f.Login = Field(description="The user to log in as.")
    port: f.Port = Field(default=DEFAULT_SSH_PORT, description="The port of its SSH server.")
    key: f.Secret = Field(
        description="The bot's private key: file:PATH on the bot's machine, or env:NAME holding its text."
    )
    known_hosts: f.PathHere = Field(
        description="A file on the bot's machine with the server's pinned host key, as ssh-keyscan writes it."
    )


def login_from(ssh: SshSection, folder: Path) -> SshLogin:
    """Return how the bot logs in; relative paths are taken from `folder`."""
    return SshLogin(ssh.user, ssh.port, secret_in(ssh.key, folder), path_in(ssh.known_hosts, folder))
