"""Alerts posted by another monitoring: who may, and what is kept of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from monitoring.harness import post

from core.fleet.target import Target

if TYPE_CHECKING:
    from ops.ports import Ports

DAY = timedelta(days=1)


def webhook(status: str = "firing", **labels: str) -> dict[str, Any]:
    labels = {"alertname": "ServerDown", "sharpnet": "down", **labels}
    one = {"status": status, "labels": labels, "startsAt": "2026-06-14T13:00:00Z", "fingerprint": "f1"}
    return {"version": "4", "status": status, "receiver": "sharpnet", "alerts": [one]}


async def kept(ports: Ports) -> list[Target]:
    return sorted(await ports.store.external_alerts.since(ports.clock.now() - DAY))


async def test_an_alert_is_kept_until_it_is_over(ports: Ports, web: str) -> None:
    assert await post(f"{web}/alertmanager", webhook(server="oslo")) == (200, '{"counted": 1}')
    assert await kept(ports) == [Target.server("oslo")]
    assert (await post(f"{web}/alertmanager", webhook("resolved", server="oslo")))[0] == 200
    assert await kept(ports) == []


async def test_an_alert_that_is_repeated_is_kept_once(ports: Ports, web: str) -> None:
    for _ in range(2):
        await post(f"{web}/alertmanager", webhook(instance="192.0.2.2:9100"))
    reports = await ports.store.external_alerts.since(ports.clock.now() - DAY)
    assert {target: len(made) for target, made in reports.items()} == {Target.server("lima"): 1}


@pytest.mark.parametrize("token", [None, "", "another", "t0ken-of-the-tes", "é"])
async def test_whoever_has_not_the_token_is_refused_and_nothing_is_kept(
    ports: Ports, web: str, token: str | None
) -> None:
    assert (await post(f"{web}/alertmanager", webhook(server="oslo"), token))[0] == 401
    assert await kept(ports) == []


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"\xff", b"[" * 100_000, b'{"alerts": 1}'])
async def test_what_no_alertmanager_sends_is_refused_in_words(ports: Ports, web: str, body: bytes) -> None:
    assert (await post(f"{web}/alertmanager", body))[0] == 400
    assert await kept(ports) == []


@pytest.mark.parametrize(
    "field",
    [
        {"startsAt": "0001-01-01T00:00:00+14:00"},
        {"startsAt": {}},
        {"labels": {"server": "oslo", "sharpnet": "down", "x": "\ud800"}},
    ],
)
async def test_an_odd_field_stops_nothing(ports: Ports, web: str, field: dict[str, object]) -> None:
    body = webhook(server="oslo")
    body["alerts"][0].update(field)
    assert await post(f"{web}/alertmanager", body) == (200, '{"counted": 1}')
    assert await kept(ports) == [Target.server("oslo")]


async def test_an_odd_fingerprint_is_refused_in_words(ports: Ports, web: str) -> None:
    body = webhook(server="oslo")
    body["alerts"][0]["fingerprint"] = "\ud800"
    assert await post(f"{web}/alertmanager", body) == (400, "not what an Alertmanager sends\n")
    assert await kept(ports) == []


async def test_a_huge_request_is_not_read(web: str) -> None:
    assert (await post(f"{web}/alertmanager", b"x" * 3_000_000))[0] == 413


async def test_a_store_that_cannot_be_written_has_it_sent_again(ports: Ports, web: str) -> None:
    await ports.store._db.read(lambda transaction: transaction.execute("PRAGMA query_only = ON"))
    assert (await post(f"{web}/alertmanager", webhook(server="oslo")))[0] == 503
