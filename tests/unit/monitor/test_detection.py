"""Whether something is down: every order of looks and verdicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fleet import Watch
from core.monitor.detection import (
    FRESH_S,
    Judgement,
    LookVerdict,
    TargetState,
    Track,
    after_inheriting,
    after_look,
    after_verdict,
    awaits_verdict,
    found_within,
    inherited,
    judge,
    judge_dependent,
    may_settle_down,
    next_delay,
    resumed,
    verdict_is_fresh,
    which_card,
)

AT = datetime(2026, 6, 14, 13, 0, tzinfo=UTC)
WATCH = Watch(timedelta(seconds=30), timedelta(seconds=2), timedelta(seconds=5), down_after=3, up_after=2)
UP, DOWN, DEGRADED, UNKNOWN = TargetState.UP, TargetState.DOWN, TargetState.DEGRADED, TargetState.UNKNOWN
FINDINGS = st.lists(st.sampled_from([UP, DOWN, DEGRADED]), max_size=20)
COUNTS = st.integers(1, 4)


def at(second: float) -> datetime:
    return AT + timedelta(seconds=second)


def look(track: Track, state: TargetState, second: float = 0.0, watch: Watch = WATCH) -> Track:
    return after_look(track, LookVerdict(state, at(second), second, "" if state is UP else "refused"), watch)


def looks(*states: TargetState, track: Track | None = None, watch: Watch = WATCH) -> Track:
    track = track or Track()
    for second, state in enumerate(states):
        track = look(track, state, second, watch)
    return track


def test_what_was_never_seen_is_unknown_and_the_first_good_look_settles_it() -> None:
    assert Track().judged is UNKNOWN
    assert looks(UP).judged is UP


def test_two_failures_are_no_outage_and_the_third_asks_for_a_verdict() -> None:
    assert not awaits_verdict(looks(UP, DOWN, DOWN))
    assert awaits_verdict(looks(UP, DOWN, DOWN, DOWN))


def test_without_a_verdict_it_is_still_told_as_up() -> None:
    assert looks(UP, DOWN, DOWN, DOWN).judged is UP


def test_a_verdict_of_down_counts_from_the_first_failure() -> None:
    track = after_verdict(looks(UP, DOWN, DOWN, DOWN), Judgement(DOWN), "refused", at(3), WATCH)
    assert (track.judged, track.since_at, track.why) == (DOWN, at(1), "refused")


def test_one_good_look_in_between_begins_the_count_anew() -> None:
    assert not awaits_verdict(looks(UP, DOWN, DOWN, UP, DOWN, DOWN))


def test_what_is_down_needs_two_good_looks_in_a_row_and_is_up_since_the_first() -> None:
    down = after_verdict(looks(UP, DOWN, DOWN, DOWN), Judgement(DOWN), "refused", at(3), WATCH)
    once = look(down, UP, 10)
    assert once.judged is DOWN
    assert look(look(once, DOWN, 11), UP, 12).judged is DOWN
    back = look(once, UP, 11)
    assert (back.judged, back.since_at, back.why) == (UP, at(10), "")


def test_answers_in_part_often_enough_are_degraded_and_ask_for_no_verdict() -> None:
    track = looks(UP, DOWN, DEGRADED, DEGRADED)
    assert (track.judged, track.why) == (DEGRADED, "refused")
    assert not awaits_verdict(track)


def test_what_goes_on_being_degraded_has_its_newest_reason_since_its_first_look() -> None:
    track = looks(DEGRADED, DEGRADED, DEGRADED)
    other = after_look(track, LookVerdict(DEGRADED, at(9), 9, "slow"), WATCH)
    assert (track.why, other.why, other.judged, other.since_at, other.looked_s) == (
        "refused",
        "slow",
        DEGRADED,
        at(0),
        9,
    )
    same = after_look(other, LookVerdict(DEGRADED, at(12), 12, "slow"), WATCH)
    assert same == replace(other, looked_s=12)


def test_too_few_answers_in_part_change_nothing() -> None:
    assert [looks(UP, *[DEGRADED] * number).judged for number in (1, 2, 3)] == [UP, UP, DEGRADED]
    assert looks(UP, DEGRADED, DOWN, DEGRADED).judged is DEGRADED


def test_a_look_that_disagrees_changes_neither_what_is_said_nor_why() -> None:
    up = looks(UP, UP)
    doubted = look(up, DEGRADED, 9)
    assert (doubted.held, doubted.judged, doubted.why, doubted.since_at) == (UP, UP, "", at(0))
    degraded = looks(DEGRADED, DEGRADED, DEGRADED)
    doubted = look(degraded, UP, 9)
    assert (doubted.held, doubted.judged, doubted.why) == (DEGRADED, DEGRADED, "refused")


def test_too_few_looks_at_what_was_never_seen_leave_it_unknown() -> None:
    for states in ((DOWN,), (DOWN, DOWN), (DEGRADED,), (DEGRADED, DEGRADED)):
        track = looks(*states)
        assert (track.held, track.judged, track.why, track.since_at) == (UNKNOWN, UNKNOWN, "", None)


def test_a_row_is_as_old_as_its_first_look_of_that_kind() -> None:
    track = looks(UP, DOWN, DOWN)
    assert (track.row_began_at, track.row_began_s, track.looked_s) == (at(1), 1, 2)
    back = look(track, UP, 7)
    assert (back.row_began_at, back.row_began_s, back.looked_s) == (at(7), 7, 7)


def test_looks_that_agree_keep_a_verdict_from_standing_on() -> None:
    degraded = after_verdict(looks(UP, DOWN, DOWN, DOWN), Judgement(DEGRADED, "reachable from us"), "", at(3), WATCH)
    track = looks(DEGRADED, DEGRADED, DEGRADED, track=degraded)
    assert (track.judged, track.why, track.verdict) == (DEGRADED, "refused", None)
    # The same once more, with the same reason: what a verdict has said is still no more than that.
    same = replace(track, verdict=Judgement(DEGRADED, "refused"))
    assert look(same, DEGRADED, 9).verdict is None


def test_what_is_down_and_answers_in_part_is_degraded() -> None:
    down = after_verdict(looks(UP, DOWN, DOWN, DOWN), Judgement(DOWN), "", at(3), WATCH)
    assert look(look(down, DEGRADED, 10), DEGRADED, 11).judged is DEGRADED
    assert look(look(down, UP, 10), DEGRADED, 11).judged is DEGRADED
    assert look(look(down, DEGRADED, 10), UP, 11).held is DEGRADED


def test_a_look_that_disagrees_is_repeated_soon_and_one_that_agrees_is_not() -> None:
    assert next_delay(looks(UP, DOWN), WATCH) == WATCH.retry
    assert next_delay(looks(UP, UP), WATCH) == WATCH.every
    down = after_verdict(looks(UP, DOWN, DOWN, DOWN), Judgement(DOWN), "", at(3), WATCH)
    assert next_delay(down, WATCH) == WATCH.every
    assert next_delay(look(down, UP, 9), WATCH) == WATCH.retry


def test_evidence_is_gathered_early_only_when_the_next_failure_decides() -> None:
    assert not may_settle_down(looks(UP), WATCH, 0)
    assert not may_settle_down(looks(UP, DOWN), WATCH, 1)
    assert may_settle_down(looks(UP, DOWN, DOWN), WATCH, 2)
    assert may_settle_down(looks(UP, DOWN), replace(WATCH, down_after=2), 1)


def test_a_healthy_target_is_not_looked_at_from_everywhere_where_one_failure_is_enough() -> None:
    assert not may_settle_down(looks(UP), replace(WATCH, down_after=1), 0)


def test_what_is_down_already_is_judged_anew_after_a_while_unless_it_answered() -> None:
    down = after_verdict(looks(UP, DOWN, DOWN, DOWN), Judgement(DOWN), "", at(3), WATCH)
    said_s = down.verdict_s
    assert (said_s, FRESH_S) == (3, 10)
    assert verdict_is_fresh(down, said_s + FRESH_S - 1)
    assert not may_settle_down(down, WATCH, said_s + FRESH_S - 1)
    assert not verdict_is_fresh(down, said_s + FRESH_S)
    assert may_settle_down(down, WATCH, said_s + FRESH_S)
    assert not may_settle_down(look(down, UP, 9), WATCH, said_s + FRESH_S)


def test_only_what_is_called_down_by_others_and_is_not_contradicted_stands() -> None:
    failing = looks(UP, DOWN, DOWN, DOWN)
    assert not verdict_is_fresh(failing, 3)
    for state in (DEGRADED, UNKNOWN):
        assert not verdict_is_fresh(after_verdict(failing, Judgement(state), "", at(3), WATCH), 3)
    down = after_verdict(failing, Judgement(DOWN), "", at(3), WATCH)
    assert not verdict_is_fresh(after_verdict(down, Judgement(DEGRADED), "", at(4), WATCH), 4)
    assert not verdict_is_fresh(after_inheriting(looks(UP), Judgement(DOWN, "uk is down", inherited=True), at(7)), 0)
    assert not verdict_is_fresh(resumed(AT, "refused"), 0)


class TestJudging:
    def test_one_that_answers_another_place_is_not_down(self) -> None:
        verdict = judge({"us": False, "de": True, "fr": True}, {})
        assert verdict == Judgement(DEGRADED, "reachable from de and fr, not from here")

    def test_another_place_that_agrees_is_enough_though_no_witness_answers(self) -> None:
        assert judge({"us": False}, {"ns1": False}) == Judgement(DOWN, seen_from=("us",))

    def test_places_that_agree_are_named(self) -> None:
        assert judge({"us": False, "de": None}, {}) == Judgement(DOWN, seen_from=("us",))

    def test_without_another_place_a_witness_proves_the_bots_own_link(self) -> None:
        assert judge({"us": None}, {"ns1": False, "ns2": True}) == Judgement(DOWN)

    def test_where_nothing_answers_everything_is_unknown(self) -> None:
        assert judge({"us": None}, {"ns1": False}).state is UNKNOWN

    def test_with_nobody_else_to_ask_one_place_has_to_do(self) -> None:
        assert judge({}, {}) == Judgement(DOWN)

    @given(
        st.dictionaries(st.text(max_size=3), st.sampled_from([True, False, None])),
        st.dictionaries(st.text(max_size=3), st.booleans()),
    )
    def test_nothing_is_down_that_answers_anywhere(self, places: dict[str, bool | None], seen: dict[str, bool]) -> None:
        verdict = judge(places, seen)
        assert (True in places.values()) == (verdict.state is DEGRADED)
        if verdict.state is DOWN:
            assert False in places.values() or any(seen.values()) or not seen


class TestVerdicts:
    DOWN_HERE = looks(UP, DOWN, DOWN, DOWN)

    def test_reachable_from_elsewhere_is_degraded_since_the_first_failure(self) -> None:
        track = after_verdict(self.DOWN_HERE, Judgement(DEGRADED, "reachable from us"), "refused", at(3), WATCH)
        assert (track.judged, track.since_at, track.why) == (DEGRADED, at(1), "reachable from us")

    def test_what_was_judged_otherwise_before_is_down_from_the_verdict_on(self) -> None:
        unknown = after_verdict(self.DOWN_HERE, Judgement(UNKNOWN), "", at(3), WATCH)
        assert after_verdict(unknown, Judgement(DOWN), "", at(60), WATCH).since_at == at(60)

    def test_the_same_verdict_again_leaves_the_beginning(self) -> None:
        down = after_verdict(self.DOWN_HERE, Judgement(DOWN), "", at(3), WATCH)
        assert after_verdict(down, Judgement(DOWN), "", at(60), WATCH).since_at == at(1)

    def test_what_is_down_is_believed_to_answer_elsewhere_only_after_two_verdicts_in_a_row(self) -> None:
        down = after_verdict(self.DOWN_HERE, Judgement(DOWN), "", at(3), WATCH)
        once = after_verdict(down, Judgement(DEGRADED), "", at(30), WATCH)
        assert once.judged is DOWN
        assert after_verdict(once, Judgement(DEGRADED), "", at(60), WATCH).judged is DEGRADED
        not_in_a_row = after_verdict(once, Judgement(DOWN), "", at(60), WATCH)
        assert after_verdict(not_in_a_row, Judgement(DEGRADED), "", at(90), WATCH).judged is DOWN

    def test_down_becomes_unknown_when_the_bots_own_link_goes(self) -> None:
        down = after_verdict(self.DOWN_HERE, Judgement(DOWN), "", at(3), WATCH)
        assert after_verdict(down, Judgement(UNKNOWN, "link"), "", at(30), WATCH).judged is UNKNOWN

    def test_what_failed_from_the_start_counts_from_its_first_failure(self) -> None:
        track = after_verdict(looks(DOWN, DOWN, DOWN), Judgement(DOWN), "", at(9), WATCH)
        assert track.since_at == at(0)

    def test_a_verdict_without_a_look_counts_from_itself(self) -> None:
        assert after_verdict(Track(), Judgement(DOWN), "", at(9), WATCH).since_at == at(9)


class TestDependents:
    UP_AT_5 = look(Track(), UP, 5)
    DOWN_SERVER = after_verdict(looks(UP, DOWN, DOWN, DOWN), Judgement(DOWN), "", at(3), WATCH)

    def test_a_site_waits_until_its_server_was_looked_at_since_it_fails(self) -> None:
        assert judge_dependent("uk", Track(), 4) is None
        assert judge_dependent("uk", self.UP_AT_5, 6) is None
        assert judge_dependent("uk", self.UP_AT_5, 5) == Judgement(DOWN)

    def test_a_site_waits_while_its_server_is_in_doubt(self) -> None:
        assert judge_dependent("uk", look(self.UP_AT_5, DOWN, 6), 5) is None

    def test_a_site_on_a_server_that_is_down_is_down_with_it(self) -> None:
        assert judge_dependent("uk", self.DOWN_SERVER, 3) == Judgement(DOWN, "uk is down", inherited=True)

    def test_a_site_on_a_server_that_cannot_be_seen_is_unknown(self) -> None:
        unseen = after_verdict(looks(UP, DOWN, DOWN, DOWN), Judgement(UNKNOWN), "", at(3), WATCH)
        assert inherited("uk", unseen) == Judgement(UNKNOWN, "uk cannot be seen from here", inherited=True)

    def test_what_is_down_with_its_server_is_not_down_by_itself(self) -> None:
        assert not after_inheriting(looks(UP), Judgement(DOWN, "uk is down", inherited=True), at(7)).down_itself
        assert after_verdict(looks(DOWN, DOWN, DOWN), Judgement(DOWN), "refused", at(7), WATCH).down_itself
        assert resumed(AT, "refused").down_itself
        assert not looks(UP).down_itself

    def test_nothing_is_inherited_from_a_server_that_answers_or_was_not_looked_at_yet(self) -> None:
        assert inherited("uk", self.UP_AT_5) is None
        assert inherited("uk", resumed(AT, "refused")) is None
        assert inherited("uk", replace(self.DOWN_SERVER, held=UP)) is None
        assert inherited("uk", looks(UP, DOWN, DOWN, DOWN)) is None
        degraded = replace(self.DOWN_SERVER, judged=DEGRADED)
        assert inherited("uk", degraded) == Judgement(UNKNOWN, "uk cannot be seen from here", inherited=True)

    def test_after_inheriting_its_own_looks_count_from_nothing(self) -> None:
        down = after_inheriting(looks(UP), Judgement(DOWN, "uk is down", inherited=True), at(7))
        assert (down.judged, down.since_at, down.in_doubt) == (DOWN, at(7), False)
        assert (down.held, down.row, down.why, down.looked_s) == (UNKNOWN, (), "uk is down", 0)
        assert not awaits_verdict(looks(DOWN, DOWN, track=down))
        assert look(down, UP, 9).judged is UP


def test_an_outage_that_was_open_at_the_stop_goes_on_until_looks_say_otherwise() -> None:
    track = resumed(AT, "refused")
    assert (track.judged, track.since_at) == (DOWN, AT)
    assert awaits_verdict(look(track, DOWN, 9))
    assert look(track, UP, 9).judged is DOWN
    assert looks(UP, UP, track=track).judged is UP


@pytest.mark.parametrize(
    ("opened", "expected"),
    [
        ([], None),
        ([(1.0, "a"), (2.0, "b")], None),
        ([(1.0, "a"), (2.0, "b"), (3.0, "c")], "c"),
        ([(-60.0, "a"), (2.0, "b"), (3.0, "c")], None),
        ([(-40.0, "a"), (2.0, "b"), (3.0, "c")], None),
        ([(-39.9, "a"), (2.0, "b"), (3.0, "c")], "c"),
    ],
)
def test_the_third_message_within_the_window_takes_all_that_follow(
    opened: list[tuple[float, str]], expected: str | None
) -> None:
    assert which_card(opened, 10.0, 50.0) == expected


def test_the_window_is_longer_than_finding_what_died_at_one_moment_takes() -> None:
    assert found_within(WATCH) > WATCH.every + 2 * WATCH.retry + 3 * WATCH.timeout
    # Every 30 s; then three times 2 s, and twice the 5 s that a look may take.
    assert found_within(WATCH) == timedelta(seconds=66)


@given(FINDINGS, COUNTS, COUNTS)
def test_nothing_is_held_down_before_enough_looks_in_a_row(
    states: list[TargetState], down_after: int, up_after: int
) -> None:
    watch = replace(WATCH, down_after=down_after, up_after=up_after)
    track, before = Track(), UNKNOWN
    for number, state in enumerate(states, start=1):
        track = look(track, state, number, watch)
        if track.held is DOWN and before is not DOWN:
            assert states[max(0, number - down_after) : number] == [DOWN] * down_after
        if before is DOWN and track.held is not DOWN:
            assert DOWN not in states[max(0, number - up_after) : number]
        assert track.judged is not DOWN
        before = track.held


@given(FINDINGS, COUNTS, COUNTS)
def test_enough_equal_looks_in_a_row_always_settle_it(
    states: list[TargetState], down_after: int, up_after: int
) -> None:
    watch = replace(WATCH, down_after=down_after, up_after=up_after)
    assert looks(*states, *[DOWN] * down_after, watch=watch).held is DOWN
    assert looks(*states, *[UP] * up_after, watch=watch).judged is UP


@given(FINDINGS)
def test_the_delay_is_short_exactly_while_the_last_look_disagrees(states: list[TargetState]) -> None:
    track = looks(*states)
    in_doubt = bool(states) and states[-1] is not track.held
    assert next_delay(track, WATCH) == (WATCH.retry if in_doubt else WATCH.every)


@given(st.lists(st.tuples(st.sampled_from([UP, DOWN]), st.sampled_from([UNKNOWN, DEGRADED, DOWN])), max_size=30))
def test_nothing_is_judged_down_without_a_verdict_that_says_so(steps: list[tuple[TargetState, TargetState]]) -> None:
    track, said_down = Track(), False
    for second, (state, verdict) in enumerate(steps):
        track = look(track, state, second)
        if awaits_verdict(track):
            said_down = said_down or verdict is DOWN
            track = after_verdict(track, Judgement(verdict), "refused", at(second), WATCH)
        assert track.judged is not DOWN or said_down
        if track.judged is UP:
            said_down = False
