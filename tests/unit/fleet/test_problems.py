"""What does not fit together, on trees as small as the mistake; broken parts around it change nothing."""

from __future__ import annotations

import pytest

from core.fleet.problems import fleet_troubles


def troubles(tree: object) -> list[tuple[str, str]]:
    """Return where something is wrong, and what; names that begin with `!` count as unreadable."""
    found = fleet_troubles(tree, lambda name: None if name.startswith("!") else name.lower())
    return [(".".join(map(str, trouble.where)), trouble.message) for trouble in found]


@pytest.mark.parametrize("broken", [None, 3, "text", [], {}])
def test_a_tree_without_a_single_readable_part_has_no_trouble_between_its_parts(broken: object) -> None:
    assert troubles(broken) == []
    sections = ("servers", "sites", "dns", "watch", "schedule", "mail", "offsite")
    assert troubles(dict.fromkeys(sections, broken)) == []


def test_where_no_server_can_be_read_no_site_is_blamed_for_naming_one() -> None:
    sites = {"s": {"home": "a", "mirrors": ["b"], "root": "/srv/s"}}
    assert troubles({"servers": 7, "sites": sites}) == []
    assert troubles({"servers": {"a": 7}, "sites": sites}) == [("sites.s.mirrors.0", "there is no server 'b'")]


def test_one_unreadable_zone_keeps_every_name_from_being_called_outside() -> None:
    sites = {"s": {"names": ["www.one.test", "!", 5, "www.two.test"]}}
    assert troubles({"sites": sites, "dns": {"zones": ["one.test", "!two"]}}) == []
    assert troubles({"sites": sites, "dns": {"zones": ["one.test", 5]}}) == []
    assert troubles({"sites": sites, "dns": {"zones": ["one.test"]}}) == [
        ("sites.s.names.3", "www.two.test lies in none of the zones")
    ]


def test_a_zone_with_mail_but_no_site_is_in_use() -> None:
    tree = {"dns": {"zones": ["mail.test", "idle.test"]}, "mail": {"domains": {"Mail.test": {}, "!": {}}}}
    assert troubles(tree) == [("dns.zones.1", "no site has a name in idle.test")]


def test_addresses_are_compared_by_what_they_mean() -> None:
    servers = {"a": {"ipv6": "2001:db8::1"}, "b": {"ipv6": "2001:DB8:0:0::1"}, "c": {"ipv6": "no address"}}
    assert troubles({"servers": servers}) == [("servers.b.ipv6", "2001:db8::1 is the address of a as well")]


def test_two_name_servers_at_one_address_differ_by_their_ports() -> None:
    nameservers = {
        "a": {"address": "192.0.2.1"},
        "b": {"address": "192.0.2.1", "port": 5300},
        "c": {"address": "192.0.2.1", "port": 53},
        "d": {"address": "192.0.2.1", "port": "53"},
        "e": {"address": "?"},
    }
    assert troubles({"dns": {"nameservers": nameservers}}) == [
        ("dns.nameservers.c", "192.0.2.1, port 53, is the address of a as well")
    ]


def test_a_name_server_may_be_an_update_server_as_well() -> None:
    tree = {"dns": {"nameservers": {"a": {"address": "192.0.2.1"}}, "update": [{"address": "192.0.2.1"}]}}
    assert troubles(tree) == []


@pytest.mark.parametrize(
    ("roots", "said"),
    [
        ({"a": "/srv/a", "b": "/srv/ab"}, []),
        ({"a": "/srv/a", "b": "/srv/b", "c": "/srv/a/x/y"}, ["sites.c.root"]),
        ({"a": "/srv/a", "b": "/srv/a/"}, ["sites.b.root"]),
        ({"a": "/srv/a/b/c", "b": "/srv/a/b", "c": "/srv/a"}, ["sites.b.root", "sites.a.root"]),
        ({"a": "/srv/{server}/x", "b": "/srv/one/x"}, ["sites.b.root"]),
        ({"a": "/", "b": "/srv/b"}, []),
        ({"a": "/srv/{sever}/x", "b": "/srv"}, []),
        ({"a": "srv/a", "b": "srv/a"}, []),
    ],
)
def test_directories_that_lie_in_one_another_are_found_on_each_server(roots: dict[str, str], said: list[str]) -> None:
    sites = {name: {"home": "one", "mirrors": [], "root": root} for name, root in roots.items()}
    assert [where for where, _ in troubles({"sites": sites})] == said


def test_directories_of_sites_on_different_servers_may_be_alike() -> None:
    sites = {"a": {"home": "one", "root": "/srv/x"}, "b": {"home": "two", "root": "/srv/x"}}
    assert troubles({"sites": sites}) == []


def test_a_site_that_is_never_copied_needs_no_peer_key() -> None:
    servers = {"a": {"ipv4": "192.0.2.1"}, "b": {"ipv4": "192.0.2.2", "peer": {}}}
    copied = {"home": "a", "mirrors": ["b"]}
    assert troubles({"servers": servers, "sites": {"s": {**copied, "sync": "off"}, "t": {"home": "a"}}}) == []
    assert troubles({"servers": servers, "sites": {"s": copied}}) == [
        ("servers.a", "has no peer key, so it cannot copy 1 site from the others")
    ]


@pytest.mark.parametrize(
    ("slack", "said"),
    [
        ({"approvers": ["U1", "S2"], "approvals_needed": 5}, []),
        ({"approvers": ["U1", "U1"], "approvals_needed": 2}, ["2 approvals needed, 1 approver listed"]),
        ({"approvers": ["U1", "U2"], "approvals_needed": 2}, []),
        ({"approvers": ["U1", "U2", "U3"], "operators": ["U1"], "approvals_needed": 2}, []),
        ({"approvers": ["U1"], "operators": ["U1"]}, []),
        ({"approvers": ["U1"], "approvals_needed": "many"}, []),
        ({"approvers": ["U1"], "terminal": {"0": "U1"}}, []),
        ({"approvers": ["U1"], "terminal": {"0": "U2", "1001": 5}}, ["'U2' is no approver"]),
        ({"approvers": ["U1", "S2"], "terminal": {"0": "U2"}}, []),
        ({"approvers": [5], "approvals_needed": 3}, []),
        ({}, ["nobody may approve anything in Slack"]),
    ],
)
def test_approvals_that_can_never_be_had_are_found(slack: dict[str, object], said: list[str]) -> None:
    assert [message for _, message in troubles({"slack": slack})] == said


@pytest.mark.parametrize(
    ("watch", "said"),
    [
        ({"every": "1s"}, ["watch.every"]),
        ({"retry": "31s"}, ["watch.retry"]),
        ({"every": "2s", "retry": "2s"}, []),
        ({"every": "soon", "retry": "1d"}, []),
        ({"every": 1, "retry": "1d"}, []),
    ],
)
def test_looks_after_a_failure_are_not_rarer_than_before(watch: dict[str, object], said: list[str]) -> None:
    assert [where for where, _ in troubles({"watch": watch})] == said


@pytest.mark.parametrize(
    ("work", "said"),
    [("/srv/s", True), ("/srv/s/private", True), ("/srv", False), ("/srv/space", False), (5, False), (None, False)],
)
def test_a_work_folder_lies_in_no_sites_directory_where_it_would_be_served(work: object, said: bool) -> None:
    message = "on a it lies in the directory of the site 's', where it would be served"
    site = {"home": "a", "mirrors": [], "root": "/srv/s"}
    plain: dict[str, dict[str, object]] = {"a": {"ipv4": "192.0.2.1"}, "b": {"ipv4": "192.0.2.2"}}
    of_server = {"servers": {**plain, "a": {**plain["a"], "work": work}}, "sites": {"s": site}}
    assert troubles(of_server) == ([("servers.a.work", message)] if said else [])
    of_site = {"servers": plain, "sites": {"s": {**site, "work": {"a": work, "b": "/srv/s"}}}}
    assert troubles(of_site) == ([("sites.s.work.a", message)] if said else [])


def test_a_work_folder_on_a_server_that_is_not_there_is_a_mistake() -> None:
    tree = {"servers": {"a": {"ipv4": "192.0.2.1"}}, "sites": {"s": {"work": {"b": "/srv"}}}}
    assert troubles(tree) == [("sites.s.work.b", "there is no server 'b'")]


@pytest.mark.parametrize("backup", [None, "off", 5, []])
def test_only_a_backup_that_is_scheduled_needs_a_place_to_go_to(backup: object) -> None:
    assert troubles({"schedule": {"backup": backup}}) == []
    assert troubles({"schedule": {"backup": "0 4 * * *"}, "offsite": {}}) == []
    assert len(troubles({"schedule": {"backup": "0 4 * * *"}})) == 1


def test_the_offsite_host_is_compared_with_both_addresses_of_each_server() -> None:
    servers = {"a": {"ipv4": "192.0.2.1", "ipv6": "2001:db8::1"}, "b": {"ipv4": "192.0.2.2"}}
    for address, number in (("2001:db8::1", 1), ("192.0.2.2", 1), ("192.0.2.3", 0), ("backup.test", 0)):
        tree = {"servers": servers, "offsite": {"server": {"address": address}}}
        assert len(troubles(tree)) == number


def test_mail_domains_that_cannot_be_read_are_not_called_alike() -> None:
    domains = {"!a": {"exchangers": [5]}, "!b": {"exchangers": "a"}, "c.test": None}
    assert troubles({"mail": {"domains": domains}}) == []


ZONES = {"zones": ["one.test", "two.test"]}


@pytest.mark.parametrize(
    ("dns", "number"),
    [
        ({"zones": ["one.test"]}, 1),
        ({"zones": ["one.test", "!"]}, 0),
        ({"zones": ["one.test", 5]}, 0),
        ({"zones": ["two.test"]}, 0),
        ({}, 0),
    ],
)
def test_a_mail_domain_outside_all_zones_is_said(dns: dict[str, object], number: int) -> None:
    found = [where for where, message in troubles({"dns": dns, "mail": {"domains": {"mail.two.test": {}}}})]
    assert found.count("mail.domains.mail.two.test") == number


@pytest.mark.parametrize("address", ["a@one.test", "a@ONE.test", "a", "", 5, None, "a@!"])
def test_probes_that_go_to_the_domain_itself_or_cannot_be_read_are_no_trouble(address: object) -> None:
    domain = {"probe": address, "mailbox": {"user": address}}
    assert troubles({"dns": ZONES, "mail": {"domains": {"one.test": domain, "two.test": {}}}}) == []


@pytest.mark.parametrize("mailbox", [{"user": "a@two.test"}, {"user": "a@b@two.test"}])
def test_no_probe_goes_to_another_domain_be_it_one_of_ours(mailbox: dict[str, str]) -> None:
    domains = {"one.test": {"probe": "p@two.test", "mailbox": mailbox}, "two.test": {}}
    found = [where for where, _ in troubles({"dns": ZONES, "mail": {"domains": domains}})]
    assert found == ["mail.domains.one.test.probe", "mail.domains.one.test.mailbox.user"]


@pytest.mark.parametrize(
    ("ports", "where"),
    [
        ({"smtp": 143}, ["mail.ports.smtp"]),
        ({"imap": 25}, ["mail.ports.imap"]),
        ({"smtp": 25, "imap": 143}, []),
        ({}, []),
        (None, []),
    ],
)
def test_one_port_is_not_of_both_mail_servers(ports: object, where: list[str]) -> None:
    assert [found for found, _ in troubles({"mail": {"ports": ports}})] == where


@pytest.mark.parametrize(("exchangers", "number"), [(["a"], 1), (["a", "b"], 0), (5, 1)])
def test_mailboxes_are_kept_alike_on_two_servers_at_least(exchangers: object, number: int) -> None:
    domains = {"one.test": {"exchangers": exchangers}}
    assert len(troubles({"mail": {"domains": domains, "mirror": {}}})) == number
    assert troubles({"mail": {"domains": domains}}) == troubles({"mail": {"mirror": {}}}) == []
