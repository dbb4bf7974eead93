"""Ninety days as bars: a drawing for those who see it, and the same in words for everybody."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.page.days import share_words, uptime
from core.wording import count, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.page.days import Day

HEIGHT = 20
STEP = 4
# However short it was, it is to be seen.
LEAST = 3
# A bot that was away for longer than this has missed something.
MISSED_S = 300
# Below its bar, a day on which it was down has a mark: colour alone would not reach everybody.
MARK_FROM, MARK_TO = 22, 26


def bars(days: Sequence[Day]) -> str:
    """Return the drawing, without a word in it; who cannot see it reads `bars_words` beside it."""
    paths: dict[str, list[str]] = {"u": [], "g": [], "d": [], "n": []}
    for place, day in enumerate(days):
        x, y = place * STEP + 2, HEIGHT
        for kind, height in _heights(day):
            if height:
                paths[kind].append(f"M{x} {y}v-{height}")
                y -= height
        if day.down_s:
            paths["d"].append(f"M{x} {MARK_FROM}v{MARK_TO - MARK_FROM}")
    drawn = "".join(f'<path class="{kind}" d="{"".join(moves)}"/>' for kind, moves in paths.items() if moves)
    box = f"0 0 {len(days) * STEP} {MARK_TO}"
    return f'<svg viewBox="{box}" preserveAspectRatio="none" aria-hidden="true" focusable="false">{drawn}</svg>'


def bars_words(days: Sequence[Day]) -> str:
    """Say the days in a line: `99.98 % uptime, observed for 78 d of 90 days; down on 2 days, longest …`."""
    share = uptime(days)
    if share.up is None:
        return f"Not observed in these {count(len(days), 'day')}."
    observed = timedelta(seconds=sum(day.observed_s for day in days))
    said = [f"{share_words(share.up)} uptime, observed for {duration(observed)} of {count(len(days), 'day')}"]
    down = [day for day in days if day.down_s]
    if down:
        worst = max(down, key=lambda day: day.down_s)
        longest = f"{duration(timedelta(seconds=worst.down_s))} on {worst.date.isoformat()}"
        said.append(f"down {longest}" if len(down) == 1 else f"down on {count(len(down), 'day')}, longest {longest}")
    return "; ".join(said) + "."


def _heights(day: Day) -> tuple[tuple[str, int], ...]:
    """Return how high each part of a bar is; together as high as a bar. What was down stands lowest."""
    parts = {"d": day.down_s, "g": day.degraded_s, "u": day.up_s}
    heights = {kind: max(LEAST, round(HEIGHT * part / day.length_s)) if part else 0 for kind, part in parts.items()}
    if day.unobserved_s < MISSED_S and day.observed_s:
        # A restart of the bot is no gap to be drawn; the words count it. The largest part takes it, or gives what the
        # least heights have taken.
        largest = max(parts, key=parts.__getitem__)
        heights[largest] += HEIGHT - sum(heights.values())
        return tuple(heights.items())
    while sum(heights.values()) >= HEIGHT:
        heights[max(heights, key=heights.__getitem__)] -= 1
    return (*heights.items(), ("n", HEIGHT - sum(heights.values())))
