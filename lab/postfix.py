"""Postfix on a server, which takes the mail of its domains for Dovecot; and outside, where it sends and tries again."""

import shutil
from pathlib import Path

from lab import programs
from lab.fleet import FleetSpec, MailDomainSpec, ServerSpec
from lab.init import DaemonSpec
from lab.name_server import is_ipv6
from lab.root_folder import INSIDE, on_host

HOME = "/etc/postfix"
"""Where its set-gid programs look first, whatever configuration they are asked for."""

SUBMISSION_PORT = 1587
"""Where people's mail programs hand in their mail: 587 may be the machine's own."""

OUTSIDE_PORT = 2525
"""Where the host outside takes mail."""

OUTSIDE = "outside.invalid"
"""The domain of everybody else: a name that nobody can have (RFC 6761)."""

QUEUE = "/var/spool/postfix"
_STATE = "/var/lib/postfix"
_MAIL_LOG = f"{INSIDE}/log/postfix-mail.log"
_DAEMONS = "/usr/lib/postfix/sbin"
# What postfix-files(5) asks of the queue's folders, which master(8) does not make: owner, group, mode.
_QUEUE_FOLDERS = {
    "pid": ("root", "root", 0o755),
    "private": ("postfix", "root", 0o700),
    "public": ("postfix", "postdrop", 0o710),
    "maildrop": ("postfix", "postdrop", 0o1730),
}
_QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "saved", "trace")
_SERVICES = """\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
_SUBMISSION = " ".join(
    f"-o {setting}"
    for setting in (
        "syslog_name=postfix/submission",
        "smtpd_tls_security_level=encrypt",
        "smtpd_sasl_auth_enable=yes",
        "smtpd_sasl_type=dovecot",
        "smtpd_sasl_path=private/auth",
        "smtpd_relay_restrictions=permit_sasl_authenticated,reject",
    )
)


def postfix(server: ServerSpec, outside: str | None, folder: Path) -> DaemonSpec:
    """Write Postfix's configuration; for STARTTLS it takes `tls/server.pem` and `.key` from the host's folder.

    outside: the address of the host that takes mail for everybody else; None: there is none.
    """
    where = server.mail.postfix
    listens = [_listening(address) for address in server.addresses]
    settings = {
        **_settings(server.mail.name or f"{server.name}.invalid", server.addresses),
        "virtual_mailbox_domains": " ".join(domain.name for domain in server.mail.domains),
        "virtual_mailbox_maps": f"texthash:{where}/mailboxes",
        "virtual_alias_maps": f"texthash:{where}/aliases",
        "virtual_transport": "lmtp:unix:private/dovecot-lmtp",
        "mynetworks": " ".join(f"{address}/{32 if '.' in address else 128}" for address in listens),
        "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
        "transport_maps": f"texthash:{where}/transport",
        "default_transport": f"smtp:[{outside}]:{OUTSIDE_PORT}" if outside else "error:5.4.4 nobody is there",
    }
    if server.has_certificate:
        settings["smtpd_tls_security_level"] = "may"
        settings["smtpd_tls_chain_files"] = f"{INSIDE}/tls/server.key, {INSIDE}/tls/server.pem"
    services = [f"{address}:{port} inet n - n - - smtpd" for address in listens for port in server.mail.smtp]
    if server.mail.domains:
        services += [f"{address}:{SUBMISSION_PORT} inet n - n - - smtpd {_SUBMISSION}" for address in listens]
    users = [user for domain in server.mail.domains for user in domain.users]
    files = {
        "mailboxes": "".join(f"{user} there\n" for user in users),
        "aliases": "".join(f"{alias} {user}\n" for domain in server.mail.domains for alias, user in domain.aliases),
        "transport": f"{OUTSIDE} smtp:[{outside}]:{OUTSIDE_PORT}\n" if outside else "",
    }
    return _written(folder, where, settings, services, files)


def postfix_outside(address: str, fleet: FleetSpec, folder: Path) -> DaemonSpec:
    """Write the configuration of a sender outside: it tries a domain's exchangers in their order, and soon again."""
    settings = {
        **_settings(f"mail.{OUTSIDE}", (address,)),
        "virtual_mailbox_domains": OUTSIDE,
        "virtual_mailbox_base": "/var/mail",
        # Everybody's mail lies in one Maildir.
        "virtual_mailbox_maps": "static:everybody/",
        "virtual_uid_maps": "static:5000",
        "virtual_gid_maps": "static:5000",
        "mynetworks": "127.0.0.0/8 [::1]/128",
        "transport_maps": f"texthash:{HOME}/transport",
        "default_transport": "error:5.4.4 nobody is there but those of the lab",
        "queue_run_delay": "2s",
        "minimal_backoff_time": "2s",
        "maximal_backoff_time": "4s",
        "smtp_connect_timeout": "2s",
        "smtp_tls_security_level": "may",
    }
    there = {domain.name: _in_order(domain, fleet) for domain in fleet.mail_domains}
    boxes = on_host(folder, "/var/mail")
    boxes.mkdir(parents=True, exist_ok=True)
    boxes.chmod(0o1777)
    files = {"transport": "".join(f"{name} smtp:{hosts}\n" for name, hosts in there.items())}
    return _written(folder, HOME, settings, [f"{address}:{OUTSIDE_PORT} inet n - n - - smtpd"], files)


def _in_order(domain: MailDomainSpec, fleet: FleetSpec) -> str:
    servers = [fleet.servers[name] for name in domain.exchangers]
    return ", ".join(f"[{server.ipv4}]:{server.mail.smtp[-1]}" for server in servers)


def _settings(name: str, addresses: tuple[str, ...]) -> dict[str, str]:
    return {
        "compatibility_level": "3.6",
        "queue_directory": QUEUE,
        "data_directory": _STATE,
        "daemon_directory": _DAEMONS,
        "maillog_file": _MAIL_LOG,
        "maillog_file_prefixes": f"{INSIDE}/log",
        "myhostname": name,
        "mydestination": "",
        "alias_maps": "",
        "local_recipient_maps": "",
        # What it listens at is in master.cf: here it takes only addresses that an interface has.
        "inet_interfaces": "all",
        "inet_protocols": "all" if any(map(is_ipv6, addresses)) else "ipv4",
        "smtp_bind_address": next((address for address in addresses if not is_ipv6(address)), ""),
        "smtp_dns_support_level": "disabled",
        "smtpd_peername_lookup": "no",
    }


def _written(
    folder: Path, where: str, settings: dict[str, str], services: list[str], files: dict[str, str]
) -> DaemonSpec:
    _make_folders(folder)
    main = "".join(f"{key} = {value}\n" for key, value in settings.items())
    master = "".join(f"{line}\n" for line in services) + _SERVICES
    for file, text in {"main.cf": main, "master.cf": master, **files}.items():
        programs.write(on_host(folder, where) / file, text, 0o644)
    if where != HOME:
        # Without it no postqueue(1) of another user than root would look elsewhere.
        text = f"compatibility_level = 3.6\nalternate_config_directories = {where}\n"
        programs.write(on_host(folder, HOME) / "main.cf", text, 0o644)
    return {"name": "postfix", "argv": [f"{_DAEMONS}/master", "-d", "-c", where], "environ": {}}


def _listening(address: str) -> str:
    return f"[{address}]" if is_ipv6(address) else address


def _make_folders(folder: Path) -> None:
    folders = {**_QUEUE_FOLDERS, **dict.fromkeys(_QUEUES, ("postfix", "root", 0o700))}
    for name, (owner, group, mode) in folders.items():
        path = on_host(folder, f"{QUEUE}/{name}")
        path.mkdir(parents=True, exist_ok=True)
        shutil.chown(path, owner, group)
        path.chmod(mode)
    state = on_host(folder, _STATE)
    state.mkdir(parents=True, exist_ok=True)
    shutil.chown(state, "postfix")
