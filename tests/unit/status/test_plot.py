"""The last day in columns: the worst of each is shown, and what nobody saw is a hole, not up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bot.terminal.render import renderable
from core.reply import Plot, Reply, Tone
from core.status.plot import SLOT, SLOTS, SPAN, first_slot, latency_plot, slot_of, uptime_plot
from ops.store.replies import reply_from_text, reply_to_text

NOW = datetime(2026, 6, 14, 13, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_day_in_which_nobody_watched_is_all_holes() -> None:
    plot = uptime_plot((), NOW)
    assert plot.heights == (None,) * SLOTS
    assert plot.words == "Not observed in the last 24 h."
    assert plot.title == "Uptime, the last 24 h, 20 min a column"


def test_what_was_unknown_counts_as_not_watched() -> None:
    assert uptime_plot([("unknown", NOW - HOUR, NOW)], NOW).heights == (None,) * SLOTS


def test_of_a_column_the_worst_is_shown_and_its_height_says_it_without_colour() -> None:
    stretches = [
        ("up", NOW - 3 * HOUR, NOW - HOUR),
        ("degraded", NOW - HOUR, NOW - timedelta(minutes=30)),
        ("down", NOW - timedelta(minutes=30), NOW),
    ]
    plot = uptime_plot(stretches, NOW)
    assert plot.tones[-2:] == (Tone.BAD, Tone.BAD)
    assert plot.tones[-4] is Tone.WARN
    assert plot.tones[-8] is Tone.GOOD
    down, degraded, up = (plot.heights[place] or 0.0 for place in (-1, -4, -8))
    assert down < degraded < up
    assert plot.words == "Uptime 83.33 %, observed for 3 h; degraded for 30 min; down for 30 min."


def test_what_is_older_than_a_day_or_yet_to_come_is_left_out() -> None:
    old = ("down", NOW - 3 * SPAN, NOW - 2 * SPAN)
    ahead = ("down", NOW + HOUR, NOW + 2 * HOUR)
    assert uptime_plot([old, ("up", NOW - 2 * SPAN, NOW + HOUR), ahead], NOW).heights == (1.0,) * SLOTS


def test_what_is_yet_to_come_within_a_minute_is_left_out_too() -> None:
    begins_at = NOW + timedelta(minutes=1)
    plot = uptime_plot([("down", begins_at, begins_at + HOUR)], NOW)
    assert slot_of(begins_at) == slot_of(NOW)
    assert plot.heights == (None,) * SLOTS


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["up", "degraded", "down", "unknown"]), st.integers(-4000, 100), st.integers(0, 2000)
        ),
        max_size=12,
    )
)
def test_any_history_gives_as_many_columns_and_shares_within_bounds(found: list[tuple[str, int, int]]) -> None:
    begun = [(state, NOW + timedelta(minutes=begins), lasts) for state, begins, lasts in found]
    plot = uptime_plot([(state, at, at + timedelta(minutes=lasts)) for state, at, lasts in begun], NOW)
    assert len(plot.heights) == len(plot.tones) == SLOTS
    assert all(
        (height is None) == (tone is Tone.UNKNOWN) for height, tone in zip(plot.heights, plot.tones, strict=True)
    )


def test_where_no_answer_was_timed_there_is_no_plot() -> None:
    assert latency_plot({}, NOW) is None
    assert latency_plot({first_slot(NOW) - 1: 0.5, slot_of(NOW) + 1: 0.5}, NOW) is None


def test_answer_times_are_shares_of_the_longest_and_a_gap_stays_one() -> None:
    slot = slot_of(NOW)
    plot = latency_plot({slot - 3: 0.04, slot - 1: 1.25, slot: 0.0042}, NOW)
    assert plot is not None
    assert plot.heights[-4:] == (0.05, None, 1.0, 0.05)
    assert plot.words == "Mostly 40 ms, at most 1,250 ms, at last 4.2 ms (medians of 20 min)."


def test_answers_that_took_no_time_at_all_are_drawn_too() -> None:
    plot = latency_plot({slot_of(NOW): 0.0}, NOW)
    assert plot is not None
    assert plot.heights[-1] == 0.05


def test_a_terminal_shows_columns_and_says_the_same_in_words() -> None:
    plot = Plot("Uptime", "It answered.", (None, 0.2, 0.6, 1.0), (Tone.UNKNOWN, Tone.BAD, Tone.WARN, Tone.GOOD))
    console = Console(width=80, no_color=True)
    with console.capture() as said:
        console.print(renderable(Reply("uk is up", (plot,))))
    assert [line.strip() for line in said.get().splitlines() if line.strip()] == [
        "uk is up", "Uptime", "·▂▅█", "It answered.",
    ]  # fmt: skip


def test_a_plot_that_is_kept_is_read_back_equal() -> None:
    reply = Reply("uk is up", (uptime_plot([("up", NOW - HOUR, NOW)], NOW),))
    assert reply_from_text(reply_to_text(reply)) == reply


def test_the_columns_are_a_day() -> None:
    assert SLOT * SLOTS == SPAN
    assert slot_of(NOW) - first_slot(NOW) == SLOTS - 1
