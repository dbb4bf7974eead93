"""What the lab's name servers do: three softwares that follow one primary."""

import base64
import time
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update
import dns.zone
import pytest

from lab import Lab, LabError
from lab.small_fleet import SmallFleet, StartLab

PUBLIC = ("ns1", "ns2", "ns3")


def bot_key(lab: Lab, secret: str | None = None) -> dict[dns.name.Name, dns.tsig.Key]:
    return dns.tsigkeyring.from_text({"bot-update": secret or lab.env["SHARPNET_TSIG"]})


def update(lab: Lab, zone: str, name: str, value: str, secret: str | None = None) -> dns.rcode.Rcode:
    message = dns.update.UpdateMessage(zone, keyring=bot_key(lab, secret), keyalgorithm=dns.tsig.HMAC_SHA256)
    message.replace(name, 300, "A", value)
    primary = lab.host("primary").dns
    assert primary is not None
    return dns.query.tcp(message, primary.address, port=primary.port, timeout=10).rcode()


def notify(lab: Lab, nameserver: str, zone: str, *, signed: bool = True) -> dns.rcode.Rcode:
    message = dns.message.make_query(zone, "SOA")
    message.set_opcode(dns.opcode.NOTIFY)
    message.flags = dns.flags.AA | (message.flags & 0x7800)
    if signed:
        message.use_tsig(bot_key(lab), algorithm=dns.tsig.HMAC_SHA256)
    where = lab.host(nameserver).dns
    assert where is not None
    return dns.query.udp(message, where.address, port=where.port, timeout=5).rcode()


def answered_in_the_end(lab: Lab, nameserver: str, name: str, wanted: list[str]) -> list[str]:
    for _ in range(600):
        values = lab.query(nameserver, name, "A")
        if values == wanted:
            break
        time.sleep(0.05)
    return values


def test_the_public_name_servers_are_bind_nsd_and_knot_in_turn(shared_lab: Lab) -> None:
    public = [host.software for host in shared_lab.status() if host.kind == "nameserver"]
    assert public == ["BIND", "NSD", "Knot"]


@pytest.mark.parametrize("nameserver", PUBLIC)
def test_every_name_of_a_site_points_to_its_home(shared_lab: Lab, nameserver: str) -> None:
    oslo, lima = (shared_lab.host(name).addresses[0] for name in ("oslo", "lima"))
    for name in ("ski.example", "www.fjord.example", "attic.example"):
        assert shared_lab.query(nameserver, name, "A") == [oslo]
    assert shared_lab.query(nameserver, "ceviche.example", "A") == [lima]


def test_all_name_servers_say_the_same_serial(shared_lab: Lab) -> None:
    said = {name: shared_lab.query(name, "attic.example", "SOA") for name in ("primary", *PUBLIC)}
    assert len({tuple(values) for values in said.values()}) == 1


def test_an_update_signed_with_the_bots_key_reaches_every_name_server(shared_lab: Lab) -> None:
    assert update(shared_lab, "fjord.example", "www", "192.0.2.7") == dns.rcode.NOERROR
    for name in PUBLIC:
        assert answered_in_the_end(shared_lab, name, "www.fjord.example", ["192.0.2.7"]) == ["192.0.2.7"]


def test_an_update_with_another_secret_is_refused_and_changes_nothing(shared_lab: Lab) -> None:
    before = shared_lab.query("primary", "ski.example", "SOA")
    with pytest.raises(dns.tsig.PeerBadSignature):
        update(shared_lab, "ski.example", "@", "192.0.2.9", base64.b64encode(b"another secret").decode())
    assert shared_lab.query("primary", "ski.example", "SOA") == before


def test_the_bots_key_may_transfer_a_zone_from_the_primary(shared_lab: Lab) -> None:
    primary = shared_lab.host("primary").dns
    assert primary is not None
    messages = dns.query.xfr(primary.address, "attic.example", port=primary.port, keyring=bot_key(shared_lab))
    names = {str(name) for name in dns.zone.from_xfr(messages).nodes}
    assert names == {"@"}


def test_a_hand_edit_reaches_every_name_server(shared_lab: Lab) -> None:
    shared_lab.nsupdate("ski.example", ["update add ftp.ski.example. 300 A 192.0.2.44"])
    for name in PUBLIC:
        assert answered_in_the_end(shared_lab, name, "ftp.ski.example", ["192.0.2.44"]) == ["192.0.2.44"]


def test_a_hand_edit_that_the_primary_refuses_is_an_error(shared_lab: Lab) -> None:
    with pytest.raises(LabError, match="nsupdate failed"):
        shared_lab.nsupdate("nobody.example", ["update add nobody.example. 300 A 192.0.2.44"])


@pytest.mark.parametrize("befall", ["drop", "freeze", "cut_off"])
def test_a_name_server_that_missed_a_change_has_it_after_a_notify_signed_by_the_bot(lab: Lab, befall: str) -> None:
    for name in PUBLIC:
        getattr(lab, befall)(name)
    lab.nsupdate("ski.example", ["update add new.ski.example. 300 A 192.0.2.45"])
    for name in PUBLIC:
        lab.back(name)
        assert notify(lab, name, "ski.example") == dns.rcode.NOERROR
        assert answered_in_the_end(lab, name, "new.ski.example", ["192.0.2.45"]) == ["192.0.2.45"]


@pytest.mark.parametrize("nameserver", PUBLIC)
def test_a_notify_that_nobody_signed_is_refused(shared_lab: Lab, nameserver: str) -> None:
    assert notify(shared_lab, nameserver, "ski.example", signed=False) in {dns.rcode.REFUSED, dns.rcode.NOTAUTH}


def test_a_primary_keeps_what_was_changed_through_being_killed(lab: Lab) -> None:
    lab.nsupdate("ski.example", ["update add kept.ski.example. 300 A 192.0.2.46"])
    lab.drop("primary")
    lab.back("primary")
    assert lab.query("primary", "kept.ski.example", "A") == ["192.0.2.46"]


def test_a_primary_whose_clock_is_off_refuses_a_signed_update_for_its_time(lab: Lab) -> None:
    lab.restart_host("primary", faketime="+20m")
    with pytest.raises(dns.tsig.PeerBadTime):
        update(lab, "ski.example", "@", "192.0.2.9")
    lab.restart_host("primary")
    assert update(lab, "ski.example", "@", "192.0.2.9") == dns.rcode.NOERROR


def test_more_records_can_be_given_for_a_zone(tmp_path: Path, small_fleet: SmallFleet, start_lab: StartLab) -> None:
    records = {"ski.example": ["ftp 300 A 192.0.2.3", "@ 300 MX 10 mail.ski.example.", "blog 300 CNAME ski.example."]}
    lab = start_lab(small_fleet(tmp_path), records)
    for name in PUBLIC:
        assert lab.query(name, "ftp.ski.example", "A") == ["192.0.2.3"]
        assert lab.query(name, "ski.example", "MX") == ["10 mail.ski.example."]
        assert "ski.example." in lab.query(name, "blog.ski.example", "CNAME")


def test_each_of_several_update_servers_takes_updates_of_its_own(
    tmp_path: Path, small_fleet: SmallFleet, start_lab: StartLab
) -> None:
    def second_primary(tree: dict[str, Any]) -> None:
        first = tree["dns"]["update"][0]["address"]
        tree["dns"]["update"].append({"address": first.replace(".20", ".21"), "port": 5300})

    lab = start_lab(small_fleet(tmp_path, second_primary))
    lab.nsupdate("ski.example", ["update add two.ski.example. 300 A 192.0.2.2"], at="primary2")
    assert lab.query("primary2", "two.ski.example", "A") == ["192.0.2.2"]
    assert lab.query("primary", "two.ski.example", "A") == []


def test_an_update_server_may_be_a_public_name_server_too(
    tmp_path: Path, small_fleet: SmallFleet, start_lab: StartLab
) -> None:
    def not_hidden(tree: dict[str, Any]) -> None:
        tree["dns"]["update"] = [dict(tree["dns"]["nameservers"]["ns2"])]

    lab = start_lab(small_fleet(tmp_path, not_hidden))
    lab.nsupdate("ski.example", ["update add new.ski.example. 300 A 192.0.2.2"])
    assert lab.host("primary").name == "ns2"
    for name in PUBLIC:
        assert answered_in_the_end(lab, name, "new.ski.example", ["192.0.2.2"]) == ["192.0.2.2"]
