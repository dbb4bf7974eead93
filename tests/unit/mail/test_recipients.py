"""Whether all exchangers know the same recipients."""

from __future__ import annotations

from core.mail.finding import Finding, Level
from core.mail.recipients import Recipients, is_of, judge_recipients


def known(**servers: Recipients) -> list[tuple[str, str]]:
    return [(one.where, one.text) for one in judge_recipients("shop.test", servers)]


def addresses(*names: str) -> Recipients:
    return Recipients(frozenset(names))


def users(*names: str) -> Recipients:
    return Recipients(None, frozenset(names))


def test_the_same_recipients_are_well_and_other_domains_do_not_matter() -> None:
    assert known(a=addresses("x@shop.test", "y@other.test"), b=addresses("x@shop.test")) == []


def test_an_address_that_one_lacks_is_said_of_that_one() -> None:
    found = known(a=addresses("x@shop.test", "y@shop.test"), b=addresses("x@shop.test"), c=addresses("y@shop.test"))
    assert found == [
        ("b", "it lacks 1 address that a, c have: y@shop.test"),
        ("c", "it lacks 1 address that a, b have: x@shop.test"),
    ]


def test_many_are_counted() -> None:
    names = [f"{letter}@shop.test" for letter in "abcde"]
    text = "it lacks 5 addresses that a has: a@shop.test, b@shop.test, c@shop.test and 2 more"
    assert known(a=addresses(*names), b=addresses()) == [("b", text)]
    text = "it lacks 2 mailboxes that a has: ann, bob"
    assert known(a=users("ann", "bob"), b=users()) == [("b", text)]


def test_a_list_that_is_not_known_is_compared_with_none() -> None:
    assert known(a=addresses("x@shop.test"), b=users("y@shop.test"), c=Recipients()) == []
    assert known(a=addresses("x@shop.test")) == []
    assert known() == []


def test_a_name_is_shown_as_one_printable_line() -> None:
    ((_, text),) = known(a=addresses("\u202ex`@shop.test"), b=addresses())
    assert text.isprintable()


def test_a_login_without_a_domain_may_be_of_any() -> None:
    assert [is_of(name, "shop.test") for name in ("ann", "ann@shop.test", "a@b@SHOP.test", "ann@other.test")] == [
        *(True, True, True),
        False,
    ]


def test_the_finding_is_an_error() -> None:
    (found,) = judge_recipients("shop.test", {"a": addresses("x@shop.test"), "b": addresses()})
    assert found == Finding(Level.WRONG, "b", "it lacks 1 address that a has: x@shop.test")
