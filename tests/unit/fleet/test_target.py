"""A target is written and read back as it was: what is stored, typed and told names the same thing."""

from __future__ import annotations

import pytest

from core.fleet.target import FLEET, Target


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("server:uk", Target.server("uk")),
        ("site:shop", Target.site("shop")),
        ("nameserver:ns1", Target.nameserver("ns1")),
        ("sites:uk", Target("sites", "uk")),
        ("degraded:uk", Target("degraded", "uk")),
        ("link:bot", Target("link", "bot")),
        ("fleet", FLEET),
    ],
)
def test_it_is_written_as_it_is_read(text: str, target: Target) -> None:
    assert Target.parse(text) == target
    assert f"{target}" == text


def test_only_the_first_colon_parts_the_kind_from_the_name() -> None:
    assert Target.parse("server:a:b").name == "a:b"


@pytest.mark.parametrize("text", ["", "uk", "host:uk", "Server:uk"])
def test_what_names_no_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text is all that it says
        Target.parse(text)
