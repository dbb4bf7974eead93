"""Where a site is served is known only where those who know have said so; the guard is closed otherwise."""

from __future__ import annotations

from itertools import product

import pytest

from core.sync.served import AddressAnswer, Doubt, must_ask_public, where_served, why_not_by_belief

NORTH, SOUTH = AddressAnswer(frozenset({"192.0.2.1"})), AddressAnswer(frozenset({"192.0.2.2"}))
NORTH_BY_BOTH = AddressAnswer(frozenset({"192.0.2.1", "2001:db8::1"}))
BOTH = AddressAnswer(frozenset({"192.0.2.1", "192.0.2.2"}))
PROXY, PARTLY = AddressAnswer(frozenset({"198.51.100.7"})), AddressAnswer(frozenset({"192.0.2.1", "198.51.100.7"}))
NOTHING, ALIAS = AddressAnswer(frozenset()), AddressAnswer(frozenset(), elsewhere=True)
SERVERS = {"192.0.2.1": "north", "2001:db8::1": "north", "192.0.2.2": "south"}
ANSWERS = (None, NORTH, NORTH_BY_BOTH, SOUTH, BOTH, PROXY, NOTHING)
TELLING = {NORTH: "north", NORTH_BY_BOTH: "north", SOUTH: "south"}
SILENT = Doubt("nobody", unheard=True)
ANSWERED = Doubt("two servers", unheard=False)
BEHIND_A_PROXY = Doubt("a proxy", unheard=False, elsewhere=True)


def test_the_update_server_says_it_whatever_a_public_one_still_answers() -> None:
    assert where_served([SOUTH], [NORTH, None], SERVERS) == "south"
    assert where_served([NORTH_BY_BOTH], [], SERVERS) == "north"


def test_the_one_server_that_is_named_beside_an_address_of_nobodys_is_the_one() -> None:
    assert where_served([PARTLY], [], SERVERS) == "north"


def test_where_nobody_answers_it_is_not_known() -> None:
    assert where_served([None], [None, None, None], SERVERS) == Doubt(
        "none of all 4 name servers says where it is served", unheard=True
    )


@pytest.mark.parametrize(
    ("public", "few"),
    [
        ([NORTH, None, None], "only 1 of 3 name servers say where it is served"),
        ([NORTH, None], "only 1 of 2 name servers say where it is served"),
        ([NORTH, NORTH, None, None], "only 2 of 4 name servers say where it is served"),
    ],
)
def test_half_of_the_public_name_servers_may_all_be_cut_off_from_a_change(
    public: list[AddressAnswer | None], few: str
) -> None:
    for updates in ([None], [None, NORTH]):
        found = where_served(updates, public, SERVERS)
        assert found == Doubt(f"the update server does not answer, and {few}", unheard=True)
    found = where_served([None, NORTH], [None], SERVERS)
    assert found == Doubt(
        "the update server does not answer, and only 0 of 1 name servers say where it is served", unheard=True
    )


def test_more_than_half_of_the_public_name_servers_say_it() -> None:
    assert where_served([None], [NORTH, NORTH_BY_BOTH, None], SERVERS) == "north"
    assert where_served([], [SOUTH], SERVERS) == "south"


def test_one_that_differs_is_enough_for_doubt() -> None:
    doubt = Doubt("name servers differ on where it is served: north, south", unheard=True)
    assert where_served([None], [NORTH, NORTH, SOUTH], SERVERS) == doubt
    assert where_served([None, SOUTH], [NORTH, NORTH, NORTH], SERVERS) == doubt
    assert where_served([NORTH, SOUTH], [], SERVERS) == Doubt(doubt.why, unheard=False)


@pytest.mark.parametrize(
    ("answer", "where", "elsewhere"),
    [
        (BOTH, "north, south", False),
        (PROXY, "198.51.100.7", True),
        (NOTHING, "no address", False),
        (ALIAS, "an alias elsewhere", True),
    ],
)
def test_an_answer_that_names_no_one_server_leaves_a_doubt_but_was_heard(
    answer: AddressAnswer, where: str, *, elsewhere: bool
) -> None:
    why = f"DNS does not say where it is served: it points to {where}"
    assert where_served([answer], [], SERVERS) == Doubt(why, unheard=False, elsewhere=elsewhere)


def test_no_server_is_named_unless_all_update_servers_or_most_public_ones_name_it_and_nobody_another() -> None:
    seen = set()
    for updates in (*product(ANSWERS, repeat=1), *product(ANSWERS, repeat=2), ()):
        for public in product(ANSWERS, repeat=3):
            found = where_served(updates, public, SERVERS)
            enough = updates and None not in updates
            most = sum(answer is not None for answer in public) > 1
            heard = [one for one in (updates if enough else (*updates, *public)) if one is not None]
            named = {TELLING.get(one) for one in heard}
            wanted = named.pop() if (enough or most) and len(named) == 1 else None
            assert (found if isinstance(found, str) else None) == wanted, (updates, public)
            if isinstance(found, Doubt):
                assert found.unheard or enough or most, (updates, public)
                assert found.why
            seen.add(wanted)
    assert seen == {None, "north", "south"}


@pytest.mark.parametrize(
    ("updates", "public"), [((), True), ((None,), True), ((NORTH, None), True), ((NOTHING,), False)]
)
def test_public_name_servers_are_asked_where_an_update_server_is_silent(
    updates: tuple[AddressAnswer | None, ...], public: bool
) -> None:
    assert must_ask_public(updates) is public


@pytest.mark.parametrize("doubt", [None, SILENT, ANSWERED, BEHIND_A_PROXY])
@pytest.mark.parametrize("said", [False, True])
@pytest.mark.parametrize("planned", [False, True])
def test_a_doubt_stands_unless_somebody_said_which_copy_is_served_or_a_plan_names_it_and_dns_was_heard(
    doubt: Doubt | None, said: bool, planned: bool
) -> None:
    stands = [(SILENT, False, False), (SILENT, False, True), (ANSWERED, False, False)]
    wanted = doubt if (doubt, said, planned) in stands else None
    assert why_not_by_belief(doubt, said=said, planned=planned) == wanted
