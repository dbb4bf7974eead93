"""Whose mailboxes are paired, and when it is time to make them alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.fleet import Mail, MailDomain, MailMirror
from core.mailboxes.pairs import (
    MailboxPair,
    Pairing,
    due_moments,
    exchangers_of,
    mirrored_exchangers,
    pair_up,
)

AT = datetime(2026, 6, 14, 3, 0, 30, tzinfo=UTC)
DOMAINS = {
    "alone.example": MailDomain("alone.example", ("rome",)),
    "fjord.example": MailDomain("fjord.example", ("oslo", "lima")),
    "three.example": MailDomain("three.example", ("lima", "oslo", "rome")),
}
MAIL = Mail(DOMAINS, mirror=MailMirror())


def test_servers_with_a_domain_of_two_exchangers_keep_mail_alike_where_the_fleet_wants_it() -> None:
    assert mirrored_exchangers(MAIL) == ("oslo", "lima", "rome")
    assert mirrored_exchangers(Mail(DOMAINS)) == ()
    assert mirrored_exchangers(Mail({"alone.example": DOMAINS["alone.example"]}, mirror=MailMirror())) == ()


@pytest.mark.parametrize(
    ("login", "servers"),
    [
        ("ann@fjord.example", ("oslo", "lima")),
        ("ann@FJORD.example", ("oslo", "lima")),
        ("ann@three.example", ("lima", "oslo", "rome")),
        ("ann", ("oslo", "lima")),
        ("@fjord.example", ("oslo", "lima")),
        ("ann@alone.example", ()),
        ("ann@elsewhere.example", ()),
        ("a@b@three.example", ("lima", "oslo", "rome")),
    ],
)
def test_a_users_mail_is_on_the_exchangers_of_its_domain(login: str, servers: tuple[str, ...]) -> None:
    assert exchangers_of(MAIL, login) == servers


def test_where_no_domain_has_two_exchangers_nobodys_mail_is_on_two() -> None:
    assert exchangers_of(Mail({"alone.example": DOMAINS["alone.example"]}), "ann") == ()


def test_each_user_is_paired_with_every_other_exchanger_of_the_domain_by_the_first_that_has_it() -> None:
    logins_on = {
        "oslo": frozenset({"ann@fjord.example", "bob@fjord.example", "eve@three.example", "x@elsewhere.example"}),
        "lima": frozenset({"ann@fjord.example", "eve@three.example", "sam@fjord.example"}),
        "rome": frozenset({"eve@three.example", "ann@fjord.example"}),
    }
    assert pair_up(MAIL, logins_on) == Pairing(
        pairs=(
            MailboxPair("ann@fjord.example", "oslo", "lima"),
            MailboxPair("eve@three.example", "lima", "oslo"),
            MailboxPair("eve@three.example", "lima", "rome"),
        ),
        alone=(
            MailboxPair("bob@fjord.example", "oslo", "lima"),
            MailboxPair("sam@fjord.example", "lima", "oslo"),
        ),
    )


def test_what_a_silent_server_has_is_not_taken_for_nothing() -> None:
    assert pair_up(MAIL, {"oslo": frozenset({"ann@fjord.example"})}) == Pairing((), ())
    assert pair_up(MAIL, {}) == Pairing((), ())


def test_only_the_listed_users_are_kept_alike_where_the_fleet_lists_some() -> None:
    both = frozenset({"ann@fjord.example", "bob@fjord.example"})
    listed = Mail(DOMAINS, mirror=MailMirror(users=("bob@fjord.example", "gone@fjord.example")))
    paired = (MailboxPair("bob@fjord.example", "oslo", "lima"),)
    assert pair_up(listed, {"oslo": both, "lima": both}) == Pairing(paired, ())


@pytest.mark.parametrize("every_s", [7, 60, 120, 3600])
def test_all_bots_find_the_same_moment_due_by_time(every_s: int) -> None:
    every = timedelta(seconds=every_s)
    (slot,) = due_moments(every, (), AT)
    assert timedelta() <= AT - slot < every
    assert [*due_moments(every, (), slot)] == [slot]
    assert [*due_moments(every, (), slot + every - timedelta(microseconds=1))] == [slot]
    assert [*due_moments(every, (), slot + every)] == [slot + every]


def test_a_server_that_has_just_returned_is_due_at_once_and_one_of_long_ago_is_not() -> None:
    every = timedelta(minutes=2)
    slot = datetime(2026, 6, 14, 3, 0, tzinfo=UTC)
    just, long_ago, ahead = AT - timedelta(seconds=1), AT - every, AT + timedelta(seconds=1)
    assert [*due_moments(every, (long_ago, just, ahead, AT), AT)] == [slot, just, AT]
