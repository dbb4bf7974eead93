"""Just at a limit, and what is no text where text belongs: what does not fit together in a fleet file."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.fleet import (
    Alerts,
    ApprovalPolicy,
    DnsSettings,
    Endpoint,
    Heartbeat,
    Hook,
    HostLimits,
    MailMirror,
    MailPorts,
    MailQueue,
    SecretRef,
    ServerChecks,
    ServerMail,
    Site,
    SiteCheck,
    StatusPages,
    SyncPolicy,
    Watch,
    WebPorts,
)
from core.fleet.problems import fleet_troubles
from core.fleet.raw_tree import address_of

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def troubles(tree: object) -> list[tuple[str, str]]:
    found = fleet_troubles(tree, lambda name: name.lower())
    return [(".".join(map(str, trouble.where)), trouble.message) for trouble in found]


@pytest.mark.parametrize(("max_ttl", "number"), [(3600, 0), (3601, 1), ("3601", 0)])
def test_an_hour_is_not_too_long_for_a_record(max_ttl: object, number: int) -> None:
    assert len(troubles({"dns": {"max_ttl": max_ttl}})) == number


@pytest.mark.parametrize("value", [3_221_225_985, None, 1.5, ["192.0.2.1"], True])
def test_what_is_no_text_is_no_address(value: object) -> None:
    assert address_of(value) is None
    servers = {"a": {"ipv4": value, "ipv6": "::1"}, "b": {"ipv4": value, "ipv6": "::2"}}
    assert troubles({"servers": servers}) == []
    nameservers = {"a": {"address": value}, "b": {"address": value}}
    assert troubles({"dns": {"nameservers": nameservers}}) == []


def test_of_three_directories_in_one_another_each_lies_in_the_next() -> None:
    roots = {"a": "/srv/a", "b": "/srv/a/b", "c": "/srv/a/b/./c", "d": "/srv/a/b2", "e": "/srv/e"}
    sites = {name: {"home": "one", "mirrors": [], "root": root} for name, root in roots.items()}
    assert troubles({"sites": sites}) == [
        ("sites.b.root", "on one it lies in the directory of the site 'a'"),
        ("sites.c.root", "on one it lies in the directory of the site 'b'"),
        ("sites.d.root", "on one it lies in the directory of the site 'a'"),
    ]
    same = {name: {"home": "one", "mirrors": [], "root": root} for name, root in (("a", "/srv/./a"), ("b", "/srv/a"))}
    assert troubles({"sites": same}) == [("sites.b.root", "on one it is the directory of the site 'a'")]


def test_a_database_without_a_name_is_nobody_elses_and_one_with_a_name_is() -> None:
    def of(*names: object) -> list[tuple[str, str]]:
        databases = [{"engine": "mariadb", "name": name} for name in names]
        sites = {f"s{n}": {"home": "a", "databases": [one]} for n, one in enumerate(databases)}
        return troubles({"sites": sites})

    assert of(None, None) == of(5, 5) == of(["x"], ["x"]) == of("x", "y") == []
    assert of("x", "x") == [("sites.s1.databases.0", "on a it is a database of the site 's0' as well")]
    assert of(None, "x", "x") == [("sites.s2.databases.0", "on a it is a database of the site 's1' as well")]


def test_a_hook_runs_on_a_side_or_on_a_server_that_there_is() -> None:
    def of(on: object) -> list[str]:
        hooks = {"freeze": [{"on": on, "run": "x"}]}
        tree = {"servers": {"a": {"ipv4": "192.0.2.1"}}, "sites": {"s": {"home": "a", "hooks": hooks}}}
        return [message for _, message in troubles(tree)]

    assert of("source") == of("target") == of("a") == of(7) == of(None) == []
    assert of("b") == ["there is no server 'b'"]


DNS = DnsSettings((), (), ())
# As docs/fleet-file.md promises them: whoever leaves a key out goes by these.
LEFT_OUT = (
    (Watch().every, 30 * SECOND),
    (Watch().retry, 2 * SECOND),
    (Watch().timeout, 5 * SECOND),
    (Watch().down_after, 3),
    (Watch().up_after, 2),
    (HostLimits().every, 300 * SECOND),
    ((HostLimits().disk, HostLimits().inodes, HostLimits().memory, HostLimits().load), (0.95, 0.95, 0.97, None)),
    (HostLimits().clock, 5 * SECOND),
    ((HostLimits().units, HostLimits().reboot), (True, False)),
    ((ServerChecks().icmp, ServerChecks().mail_certificate), (False, 14 * DAY)),
    ((SiteCheck().status, SiteCheck().within, SiteCheck().certificate), (200, None, 14 * DAY)),
    (Hook("source", "true").timeout, 60 * SECOND),
    ((SyncPolicy().max_delete, SyncPolicy().keep_replaced), (0.25, 14 * DAY)),
    ((SyncPolicy().parallel, SyncPolicy().verify), (4, 0.25)),
    (Site("s", "a", (), ("s.test",), "/srv").max_age, 26 * HOUR),
    ((ApprovalPolicy().needed, ApprovalPolicy().ttl), (1, 600 * SECOND)),
    ((Alerts().remind, Heartbeat(SecretRef("env", "X")).every), (1800 * SECOND, 60 * SECOND)),
    ((MailPorts().smtp, MailPorts().imap, WebPorts().http, Endpoint("192.0.2.1").port), (25, 143, 80, 53)),
    ((MailMirror().every, MailMirror().users), (120 * SECOND, None)),
    ((MailQueue().messages, MailQueue().oldest), (50, HOUR)),
    ((ServerMail().postfix, ServerMail().dovecot), ("/etc/postfix", "/etc/dovecot/dovecot.conf")),
    ((DNS.max_ttl_s, DNS.agree_within, DNS.rollback_within, DNS.open_transfers), (300, 60 * SECOND, 7 * DAY, True)),
    ((StatusPages().addresses, StatusPages().stale_after), (False, 600 * SECOND)),
)


@pytest.mark.parametrize(("value", "promised"), LEFT_OUT)
def test_what_is_left_out_of_a_fleet_file_is_as_the_page_says(value: object, promised: object) -> None:
    assert value == promised
