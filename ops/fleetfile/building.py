"""From the file's shape to the fleet's values."""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING

from core.fleet import (
    Alerts,
    ApprovalPolicy,
    Database,
    Dns,
    Endpoint,
    Fleet,
    Heartbeat,
    Hook,
    Hooks,
    HostLimits,
    Mail,
    MailDomain,
    NameServer,
    Offsite,
    Peer,
    Schedule,
    SecretRef,
    Server,
    ServerChecks,
    Site,
    SiteCheck,
    SlackSettings,
    SshLogin,
    StatusPage,
    StatusPages,
    SyncPolicy,
    Tsig,
    Watch,
    Web,
    WebPorts,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ops.fleetfile import shape


def fleet_from(file: shape.FleetFile, folder: Path) -> Fleet:
    """Return the fleet that `file` describes; its relative paths are taken from `folder`."""
    return Fleet(
        name=file.fleet,
        timezone=file.timezone,
        servers={name: _server(name, server, folder) for name, server in file.servers.items()},
        sites={name: _site(name, site, folder) for name, site in file.sites.items()},
        dns=_dns(file.dns, folder),
        slack=_slack(file.slack),
        approval=ApprovalPolicy(file.slack.approvals_needed, file.slack.approval_ttl)
        if file.slack
        else ApprovalPolicy(),
        watch=Watch(**dict(file.watch)),
        schedule=Schedule(**dict(file.schedule)),
        sync=SyncPolicy(**dict(file.sync)),
        mail=_mail(file.mail),
        offsite=_offsite(file.offsite, folder),
        notify=tuple(secret_in(secret, folder) for secret in file.notify),
        alerts=Alerts(**dict(file.alerts)),
        heartbeat=Heartbeat(secret_in(file.heartbeat.url, folder), file.heartbeat.every) if file.heartbeat else None,
        status_pages=StatusPages(**{**dict(file.status_pages), "hide": tuple(file.status_pages.hide)}),
        web=_web(file.web, folder),
    )


def path_in(path: str, folder: Path) -> str:
    """Return a path of this machine as an absolute one; links are not followed."""
    return os.path.abspath(os.path.join(folder, path))  # noqa: PTH100, PTH118  Path.resolve would follow links


def secret_in(secret: SecretRef, folder: Path) -> SecretRef:
    """Return where a secret is, absolutely."""
    return secret if secret.kind == "env" else SecretRef("file", path_in(secret.where, folder))


def _login(ssh: shape.SshSection, folder: Path) -> SshLogin:
    return SshLogin(ssh.user, ssh.port, secret_in(ssh.key, folder), path_in(ssh.known_hosts, folder))


def _server(name: str, server: shape.ServerSection, folder: Path) -> Server:
    return Server(
        name=name,
        location=server.location or name,
        ssh=_login(server.ssh, folder),
        ipv4=server.ipv4,
        ipv6=server.ipv6,
        peer=Peer(**dict(server.peer)) if server.peer else None,
        web=WebPorts(**dict(server.web)),
        status_page=StatusPage(**dict(server.status_page)) if server.status_page else None,
        checks=_checks(server.checks),
    )


def _checks(checks: shape.ServerChecksSection) -> ServerChecks:
    host = HostLimits(**dict(checks.host)) if not isinstance(checks.host, str) else None
    return ServerChecks(**{**dict(checks), "tcp": tuple(checks.tcp), "host": host})


def _site(name: str, site: shape.SiteSection, folder: Path) -> Site:
    return Site(
        name=name,
        home=site.home,
        mirrors=tuple(site.mirrors),
        names=tuple(site.names),
        root=site.root,
        exclude=tuple(site.exclude),
        check=SiteCheck(**dict(site.check)),
        sync=site.sync,
        max_age=site.max_age,
        databases=tuple(_database(database, folder) for database in site.databases),
        hooks=Hooks(**{moment: tuple(Hook(**dict(hook)) for hook in hooks) for moment, hooks in site.hooks}),
        bandwidth=site.bandwidth,
        owner=dict(site.owner),
    )


def _database(database: shape.DatabaseSection, folder: Path) -> Database:
    password = secret_in(database.password, folder) if database.password is not None else None
    return Database(**{**dict(database), "password": password})


def _dns(dns: shape.DnsSection, folder: Path) -> Dns:
    tsig = dns.tsig
    return Dns(
        update=tuple(Endpoint(endpoint.address, endpoint.port) for endpoint in dns.update),
        nameservers=tuple(
            NameServer(name, Endpoint(server.address, server.port), server.location or name)
            for name, server in dns.nameservers.items()
        ),
        zones=tuple(dns.zones),
        tsig=Tsig(tsig.name, tsig.algorithm, secret_in(tsig.secret, folder)) if tsig else None,
        max_ttl_s=dns.max_ttl,
        agree_within=dns.agree_within,
        rollback_within=dns.rollback_within,
        answer_within=dns.answer_within,
        open_transfers=dns.open_transfers,
    )


def _slack(slack: shape.SlackSection | None) -> SlackSettings | None:
    if slack is None:
        return None
    return SlackSettings(slack.ops_channel, tuple(slack.operators), tuple(slack.approvers))


def _mail(mail: shape.MailSection | None) -> Mail | None:
    if mail is None:
        return None
    domains = tuple(MailDomain(name, tuple(entry.exchangers), entry.probe) for name, entry in mail.domains.items())
    return Mail(domains, mail.ports.smtp, mail.ports.imap)


def _web(web: shape.BotWebSection | None, folder: Path) -> Web | None:
    if web is None:
        return None
    return Web(web.port, web.address, secret_in(web.alertmanager, folder) if web.alertmanager else None)


def _offsite(offsite: shape.OffsiteSection | None, folder: Path) -> Offsite | None:
    if offsite is None:
        return None
    return Offsite(
        address=offsite.server.address,
        ssh=_login(offsite.server.ssh, folder),
        path=offsite.path,
        password=secret_in(offsite.password, folder),
        keep=offsite.keep.model_dump(exclude_none=True),
        max_age=offsite.max_age,
    )
