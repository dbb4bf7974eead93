"""A plot as a picture: every column where it belongs, and what nobody saw neither up nor down."""

from __future__ import annotations

import io

from PIL import Image

from bot.slack.picture import COLOURS, COLUMN, EDGE, HEIGHT, HOLE, LINE, in_words, plots_of, png_of
from core.reply import Plot, Reply, Text, Tone

PLOT = Plot("Uptime", "It answered.", (None, 0.2, 1.0), (Tone.UNKNOWN, Tone.BAD, Tone.GOOD))


def colour(name: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(name.removeprefix("#")))


def test_columns_stand_on_one_line_as_high_as_they_are() -> None:
    image = Image.open(io.BytesIO(png_of([PLOT])))
    bottom = EDGE + LINE + HEIGHT
    at = [EDGE + number * COLUMN + COLUMN // 2 for number in range(3)]
    assert [image.getpixel((x, bottom - 1)) for x in at] == [
        colour(HOLE), colour(COLOURS[Tone.BAD]), colour(COLOURS[Tone.GOOD]),
    ]  # fmt: skip
    half = [image.getpixel((x, bottom - HEIGHT // 2)) for x in at]
    assert half == [(255, 255, 255), (255, 255, 255), colour(COLOURS[Tone.GOOD])]


def test_each_plot_has_a_place_of_its_own_and_a_day_is_a_small_file() -> None:
    day = Plot("Uptime", "It answered.", (1.0,) * 72, (Tone.GOOD,) * 72)
    one, two = (Image.open(io.BytesIO(png_of([day] * number))) for number in (1, 2))
    assert one.width == two.width
    assert two.height > one.height
    assert len(png_of([day, day])) < 20_000


def test_it_is_said_in_words_too() -> None:
    reply = Reply("uk is up", (Text("x"), PLOT, PLOT))
    assert plots_of(reply) == (PLOT, PLOT)
    assert in_words((PLOT, PLOT)) == "Uptime: It answered. Uptime: It answered."
