"""How /metrics is written: so that Prometheus reads back what was meant, and the watch goes on meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.web.exposition import Family, one
from bot.web.metrics import MetricsPage
from ops.cooperative import PIECE, in_turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from bot.web.vitals import Vitals
    from ops.ports import Ports


@pytest.mark.parametrize("text", ["plain", 'a "quoted" one', "back\\slash", "two\nlines", "\\n", "ångström"])
def test_a_label_is_read_back_as_it_was(text: str) -> None:
    written = Family("sharpnet_x", "About it.", ("name", "state"), [((text, "up"), 1), (("other", text), 0.25)]).lines()
    (family,) = text_string_to_metric_families("".join(written))
    assert [(sample.labels, sample.value) for sample in family.samples] == [
        ({"name": text, "state": "up"}, 1),
        ({"name": "other", "state": text}, 0.25),
    ]
    assert (family.type, family.documentation) == ("gauge", "About it.")


def test_a_counter_and_a_value_without_labels_are_read_back() -> None:
    families = (Family("sharpnet_looks_total", "Looks.", (), [((), 7)], "counter"), one("sharpnet_y", "Y.", 1234567.5))
    read = list(text_string_to_metric_families("".join(line for family in families for line in family.lines())))
    assert [(family.type, sample.value) for family in read for sample in family.samples] == [
        ("counter", 7),
        ("gauge", 1234567.5),
    ]


async def test_between_two_pieces_others_have_their_turn_and_nothing_is_made_before_it_is_time() -> None:
    made: list[int] = []
    seen: list[int] = []

    def making() -> Iterator[int]:
        for number in range(7):
            made.append(number)
            yield number

    async def others() -> None:
        while True:
            seen.append(len(made))
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(others())
    pieces = [piece async for piece in in_turns(making(), 3)]
    beside.cancel()
    assert pieces == [[0, 1, 2], [3, 4, 5], [6]]
    assert {3, 6} <= set(seen)


async def test_the_page_of_thousands_of_sites_is_written_a_piece_at_a_time(
    ports: Ports, vitals: Vitals, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = next(iter(ports.fleet.sites.values()))
    many = {f"site-{number}": replace(site, name=f"site-{number}") for number in range(3000)}
    lots: list[int] = []

    async def counted(things: Iterable[object], size: int = PIECE) -> AsyncIterator[list[object]]:
        async for piece in in_turns(things, size):
            lots.append(len(piece))
            yield piece

    monkeypatch.setattr("bot.web.metrics.in_turns", counted)
    page = await MetricsPage(replace(ports, fleet=replace(ports.fleet, sites=many)), vitals).page()
    assert page.count(b"\nsharpnet_site_state{") == len(many)
    assert max(lots) <= 500
    assert sum(lots) > 3 * len(many)
