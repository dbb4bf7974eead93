"""Text of others as Slack shows it letter by letter: no mention, no link, no markup, no emoji can come of it.

Slack reads `&`, `<` and `>` as the marks of its own sequences, and these three can be escaped. It has no way to escape
the other marks (`*`, `~`, a back quote, `_` but within a word, `:name:`, a quotation's `>` at a line's start), so text
that holds one of them goes into a plain_text object, which is not parsed at all.
"""

from __future__ import annotations

import re
import unicodedata

# Between two colons: an emoji, but for the minutes of a time and the groups of an IPv6 address. Of these only a few are
# names of emoji.
_EMOJI = r":(?!(?!(?:100|1234|a|ab|abc|b|bed|bee|cd|de):)[0-9a-f]{1,4}:)[\w+'-]+:"
MARKED = re.compile(rf"[*~`]|(?<!\w)_|_(?!\w)|{_EMOJI}|^\s*(?:>|&gt;)", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
# Characters that turn the order of what follows around: a name could be made to read as another.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def clean(text: str) -> str:
    """Take out what no message needs: control characters but line ends, turned writing, halves of characters."""
    if text.isascii() and text.isprintable():
        return text
    kept = []
    for letter in re.sub(r"\n{3,}", "\n\n", text.replace("\r\n", "\n").replace("\t", " ")):
        category = unicodedata.category(letter)
        if category == "Cs":
            kept.append("\ufffd")
        elif letter == "\n" or (category != "Cc" and letter not in _TURNING):
            kept.append(letter)
    return "".join(kept)


def one_line(text: str) -> str:
    """Put a text on one line, with single spaces."""
    return " ".join(clean(text).split())


def cut(text: str, most: int) -> str:
    """Shorten a text to `most` characters, an ellipsis included, at its end."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def escaped(text: str, most: int | None = None) -> str:
    """Escape Slack's three characters; with `most`, shorten so that the escaped text has no more characters."""
    if most is None:
        return "".join(_ESCAPES.get(letter, letter) for letter in text)
    pieces: list[str] = []
    size = 0
    for position, letter in enumerate(text):
        piece = _ESCAPES.get(letter, letter)
        spare = 0 if position == len(text) - 1 else 1
        if size + len(piece) + spare > most:
            return "".join(pieces).rstrip() + "…"
        pieces.append(piece)
        size += len(piece)
    return "".join(pieces)


def as_mrkdwn(text: str) -> str | None:
    """Return the text for a mrkdwn object, with `spans like this` as code; None where only plain_text shows it."""
    pieces = CODE.split(text)
    around = "\x00".join(pieces[::2])
    if MARKED.search(around):
        return None
    return "".join(f"`{escaped(piece)}`" if index % 2 else escaped(piece) for index, piece in enumerate(pieces))


def strong(text: str) -> str | None:
    """Return the text in bold for a mrkdwn object, or None where only plain_text shows it."""
    inner = as_mrkdwn(text)
    if inner is None or "`" in inner or not inner.strip() or "\n" in inner:
        return None
    return f"*{inner.strip()}*"


def typed_by_slack(text: str) -> str:
    """Turn what Slack made of a typed line back into what was typed: its three escapes, and links it made of names."""
    unlinked = re.sub(r"<(?:https?://|mailto:)[^|<>]*\|([^<>]*)>", r"\1", text)
    return unlinked.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
