"""When is something down? Looks in a row, a second place, and the bot's own link (law 6); plain values only.

A target's `Track` moves with each look (`after_look`). When the looks from here say *down*, a verdict is asked for
(`awaits_verdict`), since here may be the trouble: `judge` gives it for a machine, `judge_dependent` for what runs on
one, and `after_verdict` keeps it. What people are told is `Track.judged`, never `Track.held`.

Invariants, whatever the order of looks: nothing is held down before `down_after` looks in a row found it so, nor
judged down without a verdict; what is held down is held up again only after `up_after` good looks in a row; what was
never seen is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from core.fleet import Watch


# So long nobody else is asked again about what was found dead: a server that returns is seen by the looks from here.
FRESH_S = 10.0


class TargetState(StrEnum):
    """How a target is. DEGRADED: it answers in part, or not everybody; UNKNOWN: it was not observed (law 7)."""

    UNKNOWN = "unknown"
    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class LookVerdict:
    """What one look found: UP, DEGRADED or DOWN, and in a few words why it is not UP.

    at: when, as people read it. at_s: the same in seconds of a clock that never goes back, for what is compared.
    """

    state: TargetState
    at: datetime
    at_s: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the evidence says of a target that does not answer here.

    seen_from: the other places that agree. inherited: not seen at all, but what it runs on is so.
    """

    state: TargetState
    why: str = ""
    seen_from: tuple[str, ...] = ()
    inherited: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """What is known of one target.

    held: what the looks from here say, in a row. judged: what is said to people, since `since_at`, because of `why`.
    row: the last findings, newest last; `row_began_at` and `row_began_s`: when the newest of them was found first
    without a break. looked_s: when it was last looked at; None: never.
    contradicted: how often in a row other places reached what is judged down. verdict: the one that `judged` comes
    from; None where it comes from the looks alone. verdict_s: when it was looked at last before that was given.
    """

    held: TargetState = TargetState.UNKNOWN
    judged: TargetState = TargetState.UNKNOWN
    since_at: datetime | None = None
    why: str = ""
    row: tuple[TargetState, ...] = ()
    row_began_at: datetime | None = None
    row_began_s: float = 0.0
    looked_s: float | None = None
    contradicted: int = 0
    verdict: Judgement | None = None
    verdict_s: float = 0.0

    @property
    def in_doubt(self) -> bool:
        """Whether the last look disagrees with what is held: the next ones, soon, will settle it."""
        return bool(self.row) and self.row[-1] is not self.held

    @property
    def down_itself(self) -> bool:
        """Whether it is judged down, and not only because what it runs on is."""
        return self.judged is TargetState.DOWN and (self.verdict is None or not self.verdict.inherited)


def after_look(track: Track, finding: LookVerdict, watch: Watch) -> Track:
    """Return the track after one more look. Where `awaits_verdict` then, its `judged` waits for one."""
    row = (*track.row, finding.state)[-max(watch.down_after, watch.up_after) :]
    if row == track.row and _is_settled(track, finding):
        # Nearly every look: nothing is new but its time.
        return replace(track, looked_s=finding.at_s)
    goes_on = bool(track.row) and track.row[-1] is finding.state
    looked = replace(
        track,
        held=_held(track.held, row, watch),
        row=row,
        row_began_at=track.row_began_at if goes_on else finding.at,
        row_began_s=track.row_began_s if goes_on else finding.at_s,
        looked_s=finding.at_s,
    )
    if looked.held is TargetState.DOWN or looked.held is TargetState.UNKNOWN or looked.in_doubt:
        return looked
    return _judged(looked, looked.held, finding.why, looked.row_began_at or finding.at)


def _is_settled(track: Track, finding: LookVerdict) -> bool:
    return track.held is track.judged is finding.state and track.why == finding.why and track.verdict is None


def next_delay(track: Track, watch: Watch) -> timedelta:
    """Return how long to wait for the next look: `retry` while the last one is in doubt, else `every`."""
    return watch.retry if track.in_doubt else watch.every


def awaits_verdict(track: Track) -> bool:
    """Return whether a verdict has to be found: it does not answer here, often enough in a row."""
    return track.held is TargetState.DOWN and not track.in_doubt and bool(track.row)


def verdict_is_fresh(track: Track, now_s: float) -> bool:
    """Return whether other places said so lately that it is down that they need not be asked again.

    Else many that are dead would keep every other server busy.
    """
    calls_it_down = track.judged is TargetState.DOWN and track.verdict is not None and not track.verdict.inherited
    return calls_it_down and not track.contradicted and now_s - track.verdict_s < FRESH_S


def may_settle_down(track: Track, watch: Watch, now_s: float) -> bool:
    """Return whether one more failing look makes a verdict due, so that its evidence can be gathered meanwhile.

    False where no look has failed yet: a healthy target is not looked at from everywhere.
    """
    if track.held is TargetState.DOWN:
        return not track.in_doubt and not verdict_is_fresh(track, now_s)
    downs = _trailing(track.row, TargetState.DOWN)
    return downs > 0 and downs + 1 >= watch.down_after


def judge(
    second_looks: Mapping[str, bool | None], witnesses: Mapping[str, bool], reports: Sequence[str] = ()
) -> Judgement:
    """Say what it means that a machine does not answer here.

    second_looks: by vantage point, whether it answered there; None: that vantage point could not be used.
    witnesses: by name, whether other machines answered here since the failures began; empty: there are none to ask.
    reports: who else, besides this bot, calls it down. They are places that agree, and no proof of the bot's own link,
    since they may come from the same machine.
    One that answers elsewhere is not down. The bot's own link is up when any vantage point could be used or any
    witness answered; where none did, everything is unknown. With nobody else to ask, one place has to do.
    """
    reached = tuple(place for place, ok in second_looks.items() if ok)
    if reached:
        return Judgement(TargetState.DEGRADED, f"reachable from {' and '.join(reached)}, not from here")
    agreeing = tuple(place for place, ok in second_looks.items() if ok is False)
    if agreeing or not witnesses or any(witnesses.values()):
        return Judgement(TargetState.DOWN, seen_from=(*agreeing, *reports))
    return Judgement(TargetState.UNKNOWN, "nothing at all answers here: the bot's own link may be gone")


def judge_dependent(server: str, track: Track, failing_since_s: float) -> Judgement | None:
    """Say what it means that something on `server` (its `track`) does not answer since `failing_since_s`.

    None: wait, until the server itself has been looked at since, and is settled.
    """
    if track.looked_s is None or track.looked_s < failing_since_s or track.in_doubt:
        return None
    if track.held is not TargetState.DOWN:
        return Judgement(TargetState.DOWN)
    return inherited(server, track)


def inherited(server: str, track: Track) -> Judgement | None:
    """Say what holds for everything on `server`, unseen, because of how the server is; None: nothing, look at each.

    What is on a server that is down is down; on one that cannot be seen from here, it is unknown.
    """
    if track.held is not TargetState.DOWN or track.judged is TargetState.UP or not track.row:
        return None
    if track.judged is TargetState.DOWN:
        return Judgement(TargetState.DOWN, f"{server} is down", inherited=True)
    return Judgement(TargetState.UNKNOWN, f"{server} cannot be seen from here", inherited=True)


def after_verdict(track: Track, verdict: Judgement, why: str, at: datetime, watch: Watch) -> Track:
    """Keep a verdict; `why` says what the looks from here found.

    What is judged down, and answers elsewhere, is believed after `up_after` verdicts in a row; until then it stays.
    """
    if verdict.state is TargetState.DEGRADED and track.judged is TargetState.DOWN:
        contradicted = track.contradicted + 1
        if contradicted < watch.up_after:
            return replace(track, contradicted=contradicted)
    # What was up, or never seen, has been failing since the row began; anything else changes now.
    fresh = track.judged is TargetState.UP or track.since_at is None
    since_at = (track.row_began_at or at) if fresh else at
    judged = _judged(track, verdict.state, verdict.why or why, since_at)
    return replace(judged, verdict=verdict, verdict_s=track.looked_s or 0.0)


def after_inheriting(track: Track, verdict: Judgement, at: datetime) -> Track:
    """Keep what follows from the server's state; of its own looks nothing is held any more."""
    judged = _judged(replace(track, held=TargetState.UNKNOWN, row=()), verdict.state, verdict.why, at)
    return replace(judged, verdict=verdict)


def resumed(opened_at: datetime, why: str) -> Track:
    """Return the track of a target whose outage was open when the bot stopped: down, until looks say otherwise."""
    return Track(held=TargetState.DOWN, judged=TargetState.DOWN, since_at=opened_at, why=why)


def which_card(opened: Sequence[tuple[float, str]], at_s: float, window_s: float, most: int = 3) -> str | None:
    """Say on which card the next outage goes: None for one of its own, else the key of the card that it joins.

    opened: when and under which key cards were made, oldest first. No more than `most` cards are made within
    `window_s`, the time within which things that died at the same moment are found; the last takes all that follow.
    """
    recent = [key for opened_s, key in opened if at_s - opened_s < window_s]
    return recent[-1] if len(recent) >= most else None


def found_within(watch: Watch) -> timedelta:
    """Return the time within which things that died at the same moment are all found, with some to spare."""
    return watch.every + watch.down_after * (watch.retry + 2 * watch.timeout)


def _judged(track: Track, state: TargetState, why: str, since_at: datetime) -> Track:
    since = track.since_at if state is track.judged and track.since_at is not None else since_at
    return replace(track, judged=state, since_at=since, why=why, contradicted=0, verdict=None)


def _held(held: TargetState, row: tuple[TargetState, ...], watch: Watch) -> TargetState:
    if _trailing(row, TargetState.UP) >= (1 if held is TargetState.UNKNOWN else watch.up_after):
        return TargetState.UP
    if _trailing(row, TargetState.DOWN) >= watch.down_after:
        return TargetState.DOWN
    if held is TargetState.DOWN:
        return (
            TargetState.DEGRADED
            if _trailing(row, TargetState.UP, TargetState.DEGRADED) >= watch.up_after
            else TargetState.DOWN
        )
    return TargetState.DEGRADED if _trailing(row, TargetState.DOWN, TargetState.DEGRADED) >= watch.down_after else held


def _trailing(row: tuple[TargetState, ...], *states: TargetState) -> int:
    """Count the findings at the end of `row` that are among `states`."""
    number = 0
    for state in reversed(row):
        if state not in states:
            break
        number += 1
    return number
