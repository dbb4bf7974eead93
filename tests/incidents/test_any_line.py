"""Whatever is typed is answered or refused in words, whoever types it: never a traceback."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from incidents.conftest import ALICE, EVE, type_in

from core.errors import SharpnetError

if TYPE_CHECKING:
    from watch.conftest import Stage

LINES = 400
# Of these a fleet at which no bot looks can answer all.
VERBS = ("history", "incidents", "status", "sites", "ack", "cause", "note", "maintenance", "cancel", "help", "approve")
WORDS = (
    "--last", "--before", "--verify", "--all", "--json", "--", "--help", "0", "-1", "1", "7", "M1",
    "9" * 9, "9" * 19, "9" * 20, "9" * 5000, "1e9", "nan", "30m", "999999999d", "9" * 40 + "d", "1d",
    "uk", "oslo", "shop.test", "extend", "end", "cancel", "'a b'", '""', "ü", "٣", "\u202e", "\\0", "<!channel>", "`x`",
    "2026-13-40", "99999-01-01", "25:61", "tomorrow", "K7Q2",
)  # fmt: skip


async def test_any_line_is_answered_or_refused(quiet_stage: Stage) -> None:
    chance = random.Random(18)  # noqa: S311 - the same lines each time
    answered = 0
    for _ in range(LINES):
        words = [chance.choice(VERBS), *(chance.choice(WORDS) for _ in range(chance.randrange(4)))]
        try:
            reply = await type_in(quiet_stage, " ".join(words), chance.choice((ALICE, EVE)))
        except SharpnetError as error:
            assert error.message.isprintable(), words  # noqa: PT017 - what is raised is one of two good ends
        else:
            answered += 1
            assert reply.title.isprintable(), words
    assert answered > LINES / 10
