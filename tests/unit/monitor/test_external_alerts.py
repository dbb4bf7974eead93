from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fleet import DnsSettings, Endpoint, Fleet, NameServer, SecretRef, Server, SshLogin
from core.fleet.target import Target
from core.monitor.detection import TargetState, judge
from core.monitor.external_alerts import alerts_in, sources_of, target_of

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
LOGIN = SshLogin("ops", 22, SecretRef("file", "/keys/bot"), "/keys/known_hosts")
FLEET = Fleet(
    name="small",
    timezone="UTC",
    servers={
        "oslo": Server("oslo", "Oslo", LOGIN, ipv4="192.0.2.1"),
        "lima": Server("lima", "Lima", LOGIN, ipv6="2001:db8::2"),
    },
    sites={},
    dns=DnsSettings((Endpoint("192.0.2.9"),), (NameServer("ns1", Endpoint("192.0.2.8"), "Oslo"),), ("example",)),
)


def alert(status: str = "firing", /, **labels: str) -> dict[str, Any]:
    return {"status": status, "labels": labels, "startsAt": "2026-06-14T13:00:00.123456789Z", "fingerprint": "f1"}


@pytest.mark.parametrize(
    ("labels", "target"),
    [
        ({"server": "oslo"}, Target.server("oslo")),
        ({"nameserver": "ns1"}, Target.nameserver("ns1")),
        ({"instance": "oslo:9100"}, Target.server("oslo")),
        ({"instance": "192.0.2.1"}, Target.server("oslo")),
        ({"instance": "http://192.0.2.1:8080/health"}, Target.server("oslo")),
        ({"instance": "[2001:db8::2]:9100"}, Target.server("lima")),
        ({"instance": "2001:DB8::2"}, Target.server("lima")),
        ({"instance": "192.0.2.8:53"}, Target.nameserver("ns1")),
        ({"server": "paris", "instance": "lima"}, Target.server("lima")),
        ({"server": "paris"}, None),
        ({"instance": ""}, None),
        ({"instance": "None"}, None),
        ({"server": ["oslo"]}, None),
        ({"server": 7, "instance": {"oslo": 1}}, None),
        ({}, None),
    ],
)
def test_an_alert_is_about_the_machine_that_its_labels_name(labels: dict[str, Any], target: Target | None) -> None:
    assert target_of(labels, FLEET) == target


def test_an_alert_that_fires_and_one_that_is_over_are_told_apart() -> None:
    found = alerts_in({"alerts": [alert(server="oslo", sharpnet="down")]}, FLEET, NOW)
    assert [(one.source, one.target, one.firing) for one in found] == [("Alertmanager/f1", Target.server("oslo"), True)]
    assert NOW - found[0].begun_at < timedelta(minutes=3)
    (over,) = alerts_in({"alerts": [alert("resolved", server="oslo", sharpnet="down")]}, FLEET, NOW)
    assert not over.firing


def test_an_alert_about_a_server_that_does_not_call_it_down_is_passed_over() -> None:
    assert alerts_in({"alerts": [alert(server="oslo", alertname="DiskFull")]}, FLEET, NOW) == ()


def test_an_alert_about_something_that_is_not_of_the_fleet_is_passed_over() -> None:
    assert alerts_in({"alerts": [alert(instance="192.0.2.77", sharpnet="down")]}, FLEET, NOW) == ()


@pytest.mark.parametrize(
    "begun",
    [
        None,
        7,
        [],
        "yesterday",
        "2026-06-14T13:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-06-14T13:02:08Z",
        "9999-12-31T23:59:59Z",
        "\ud800",
    ],
)
def test_an_alert_without_a_proper_beginning_begins_now(begun: object) -> None:
    one = {**alert(server="oslo", sharpnet="down"), "startsAt": begun}
    assert alerts_in({"alerts": [one]}, FLEET, NOW)[0].begun_at == NOW


@pytest.mark.parametrize("payload", [None, [], "x", {}, {"alerts": {}}, {"alerts": ["x"]}, {"alerts": [{}]}])
def test_what_no_alertmanager_sends_is_refused(payload: object) -> None:
    with pytest.raises(ValueError, match="alert"):
        alerts_in(payload, FLEET, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
)


@pytest.mark.parametrize(
    "field",
    [
        {"status": "burning"},
        {"status": None},
        {"status": ["firing"]},
        {"fingerprint": "f" * 65},
        {"fingerprint": "f1\nweb=up"},
        {"fingerprint": "\ud800"},
        {"fingerprint": 7},
        {"fingerprint": None},
    ],
)
def test_an_alert_about_a_machine_that_is_not_as_an_alertmanager_writes_it_is_refused(field: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="alert"):
        alerts_in({"alerts": [{**alert(server="oslo", sharpnet="down"), **field}]}, FLEET, NOW)
    assert alerts_in({"alerts": [{**alert(server="oslo"), **field}]}, FLEET, NOW) == ()


def test_a_thousand_alerts_about_machines_are_taken_and_no_more() -> None:
    many = [alert(server="oslo", sharpnet="down")] * 1000
    assert len(alerts_in({"alerts": [*many, alert(alertname="DiskFull")]}, FLEET, NOW)) == 1000
    with pytest.raises(ValueError, match="more than 1000 alerts"):
        alerts_in({"alerts": [*many, many[0]]}, FLEET, NOW)


NAMES = st.sampled_from(["server", "instance", "sharpnet"])
FIELDS = st.fixed_dictionaries(
    {"labels": st.dictionaries(NAMES, JSON | st.sampled_from(["oslo", "down"]))},
    optional={"status": JSON | st.just("firing"), "startsAt": JSON | st.datetimes().map(str), "fingerprint": JSON},
)


@given(st.lists(FIELDS | JSON, max_size=4) | JSON)
def test_whatever_is_posted_is_read_or_refused_and_what_is_read_can_be_kept(alerts: object) -> None:
    try:
        found = alerts_in({"alerts": alerts}, FLEET, NOW)
    except ValueError:
        return
    for one in found:
        assert one.begun_at <= NOW
        assert f"{one.source} {one.target}".isprintable()


@given(st.dictionaries(st.sampled_from(["server", "nameserver", "instance", "sharpnet"]), JSON | st.just("down")))
def test_labels_of_any_kind_are_read_or_passed_over(labels: dict[str, Any]) -> None:
    for one in alerts_in({"alerts": [{"status": "firing", "labels": labels}]}, FLEET, NOW):
        assert one.target.name in {"oslo", "lima", "ns1"}


def test_several_alerts_of_one_monitoring_are_one_place() -> None:
    assert sources_of(["Alertmanager/a", "Alertmanager/b"]) == ("Alertmanager",)


def test_a_report_is_one_more_place_that_agrees() -> None:
    verdict = judge({"lima": False}, {}, ["Alertmanager"])
    assert (verdict.state, verdict.seen_from) == (TargetState.DOWN, ("lima", "Alertmanager"))


def test_a_report_does_not_outweigh_a_place_from_which_the_machine_answers() -> None:
    assert judge({"lima": True}, {}, ["Alertmanager"]).state is TargetState.DEGRADED


def test_a_report_calls_nothing_down_when_the_bots_own_link_may_be_gone() -> None:
    assert judge({"lima": None}, {"ns1": False}, ["Alertmanager"]).state is TargetState.UNKNOWN
