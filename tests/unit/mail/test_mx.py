"""What MX records must say."""

from __future__ import annotations

import pytest

from core.dns.pointing import Exchanger
from core.mail.finding import Finding, Level
from core.mail.mx import MxAnswer, judge_mx, names_of, why_not_in_order

LEADS_TO = {"a.test": "north", "b.test": "south", "c.test": "south", "web.test": "east"}


def why(*records: tuple[int, str], wanted: tuple[str, ...] = ("north", "south")) -> str:
    return why_not_in_order(wanted, sorted(Exchanger(*one) for one in records), LEADS_TO)


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([(10, "a.test"), (20, "b.test")], ""),
        ([(0, "a.test"), (10, "c.test"), (20, "b.test")], ""),
        ([], "it has no MX record"),
        ([(10, "b.test"), (20, "a.test")], "south (10) comes before north (20)"),
        (
            [(10, "a.test"), (10, "b.test")],
            "north and south have the same preference (10), so senders choose at random",
        ),
        ([(10, "a.test")], "no MX record leads to south"),
        ([(10, "b.test")], "no MX record leads to north"),
        (
            [(5, "x.test"), (10, "a.test"), (20, "b.test")],
            "an MX record names x.test, which leads to none of north, south",
        ),
        (
            [(10, "a.test"), (20, "b.test"), (30, "web.test")],
            "an MX record names web.test, which leads to none of north, south",
        ),
    ],
)
def test_senders_try_the_servers_in_their_order_or_it_is_said_why_not(
    records: list[tuple[int, str]], said: str
) -> None:
    assert why(*records) == said


def test_one_exchanger_needs_no_order() -> None:
    assert why((10, "a.test"), wanted=("north",)) == ""


def test_a_name_from_dns_is_printable() -> None:
    assert why((10, "a\u202eb`.test")).isprintable()
    assert "`" not in why((10, "a`.test"))


def test_each_name_server_is_judged_by_itself() -> None:
    right = (Exchanger(10, "a.test"), Exchanger(20, "b.test"))
    answers = [MxAnswer("ns1", right), MxAnswer("ns2", right[1:]), MxAnswer("ns3", why="no answer")]
    assert judge_mx(("north", "south"), answers, LEADS_TO) == (
        Finding(Level.WRONG, "ns2", "no MX record leads to north"),
        Finding(Level.UNKNOWN, "ns3", "its MX records are not known: no answer"),
    )


def test_a_server_has_the_names_that_lead_to_it() -> None:
    answers = [
        MxAnswer("ns1", (Exchanger(10, "a.test"), Exchanger(20, "b.test"))),
        MxAnswer("ns2", (Exchanger(5, "c.test"), Exchanger(20, "b.test"))),
    ]
    assert names_of("south", answers, LEADS_TO) == ("b.test", "c.test")
    assert names_of("east", answers, LEADS_TO) == ()
