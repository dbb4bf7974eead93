"""Plots as one PNG picture, for a phone and for a desktop, in light and in dark: on a ground of its own."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

from core.reply import Plot, Tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.reply import Reply

# Twice as many pixels as are shown: phones have them.
COLUMN: Final = 14
GAP: Final = 2
HEIGHT: Final = 120
EDGE: Final = 28
LINE: Final = 40
LETTERS: Final = 26
# The width of a letter, on the safe side.
LETTER_WIDTH: Final = 14
LEAST_LETTERS: Final = 20
# Slack shows about as much of a description.
MOST_SAID: Final = 1000
GROUND, INK, HOLE = "#ffffff", "#1d1c1d", "#c9ccd1"
# Told apart by height and by lightness too, for who does not see the colours.
COLOURS: Final = {
    Tone.GOOD: "#2f8f5b",
    Tone.WARN: "#c98a00",
    Tone.BAD: "#a3123a",
    Tone.PLAIN: "#2f6fb0",
    Tone.BUSY: "#2f6fb0",
    Tone.UNKNOWN: HOLE,
}


def plots_of(reply: Reply) -> tuple[Plot, ...]:
    """Return the plots of a reply."""
    return tuple(part for part in reply.parts if isinstance(part, Plot))


def in_words(plots: Sequence[Plot]) -> str:
    """Return what the picture shows, with its figures, for who does not see it."""
    return " ".join(f"{plot.title}: {plot.words}" for plot in plots)[:MOST_SAID]


def png_of(plots: Sequence[Plot]) -> bytes:
    """Return the plots as a PNG, one below the other; there is at least one."""
    width = 2 * EDGE + COLUMN * max(len(plot.heights) for plot in plots)
    said = [textwrap.wrap(plot.words, max(LEAST_LETTERS, width // LETTER_WIDTH)) for plot in plots]
    below = [EDGE + LINE * (1 + len(lines)) + HEIGHT for lines in said]
    image = Image.new("RGB", (width, EDGE + sum(below)), GROUND)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(LETTERS)
    top = EDGE
    for plot, lines, height in zip(plots, said, below, strict=True):
        draw.text((EDGE, top), plot.title, INK, font)
        _columns(draw, plot, top + LINE + HEIGHT)
        for number, line in enumerate(lines, start=1):
            draw.text((EDGE, top + LINE * number + HEIGHT + GAP * 4), line, INK, font)
        top += height
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _columns(draw: ImageDraw.ImageDraw, plot: Plot, bottom: int) -> None:
    for number, (height, tone) in enumerate(zip(plot.heights, plot.tones, strict=True)):
        left = EDGE + number * COLUMN
        # A hole is a dash on the ground line: not watched is neither up nor down.
        tall = GAP * 2 if height is None else max(GAP * 3, round(height * HEIGHT))
        colour = HOLE if height is None else COLOURS[tone]
        draw.rectangle((left, bottom - tall, left + COLUMN - GAP - 1, bottom), colour)
