"""What a page shows or quotes as a message is put together from words that the product says."""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from unit.project.test_named_in_prose import docstrings, tree_of

ROOT = Path(__file__).parents[3]
SAYING = ("core", "ops", "jobs", "commands", "bot")
# Where pages show messages of Sharpnet; the others quote Slack's and pip's.
PAGES = [ROOT / "docs" / f"{name}.md" for name in ("handbook", "monitoring", "databases", "status-pages")]
SHOWN = re.compile(r"^(?: {4,}|> )\s*(?:[✓✗!?→]|app\.yaml:\d+:) ?(.+)|^> (?![✓✗!])(.+)", re.MULTILINE)
EXAMPLE = re.compile(r"^(?: {4}.*|>.*)$", re.MULTILINE)
ITALIC = re.compile(r"(?<![*\w])\*([^*]+)\*(?![*\w])")
LEAST_WORDS = 3
# What is filled in: names of the demo and of its places, figures, addresses, IDs, what other programs said.
FILLED = re.compile(
    r"'[^']*'(?!\w)|`[^`]*`|\S*[/@:]\w\S*|\S*\w\.\w\S*|\S*\d\S*(?: (?:s|min|h|d)\b)?|\b[A-Z]{4}\b"
    r"|\b(?:uk|us|oslo|lima|ns|London|Dallas|Frankfurt|Singapore|terminal|GMT|BST|SOA|UDP|usa)\b"
    r"|new disks|database disk image is malformed|a disk died|too busy"
)
PIECES = re.compile(r"[^\w\s\0'-]+|\s{2,}")
WORD = re.compile(r"[A-Za-z][\w'-]*|\0")
HOLE = "\0"
# Two words of which one is filled in.
JOINED = frozenset({("moved", "from"), ("no", "tls"), ("the", "failover")})


def pieces(text: str) -> list[list[str]]:
    """Return the words of each piece of a sentence; what is filled in is a HOLE."""
    return [[word.lower() for word in WORD.findall(piece)] for piece in PIECES.split(FILLED.sub(HOLE, text))]


@cache
def said() -> tuple[frozenset[tuple[str, ...]], frozenset[str]]:
    """Return each two and three words that follow each other in the product's texts, and what is counted there."""
    found: set[tuple[str, ...]] = set()
    counted: set[str] = set()
    for file in (file for folder in SAYING for file in (ROOT / folder).rglob("*.py")):
        silent = {id(one) for one in docstrings(file)}
        for node in ast.walk(tree_of(file)):
            texts: list[str] = []
            match node:
                case ast.JoinedStr():
                    texts = ["".join(str(p.value) if isinstance(p, ast.Constant) else HOLE for p in node.values)]
                case ast.Constant(value=str(text)) if id(node) not in silent:
                    texts = [text]
                case ast.Call(func=ast.Name(id="count"), args=[_, *nouns]):
                    counted |= {str(noun.value) for noun in nouns if isinstance(noun, ast.Constant)}
            for words in (words for text in texts for words in pieces(text)):
                found |= {*pairwise(words), *zip(words, words[1:], words[2:], strict=False)}
    singular = {word for noun in counted for word in noun.lower().split()}
    return frozenset(found), frozenset(singular | {f"{word}s" for word in singular} | {"copies", "entries"})


def never_said(text: str) -> list[str]:
    """Return each two words of a message that the product never says one after the other."""
    found, counted = said()
    lost = []
    for words in pieces(text):
        for at, (first, second) in enumerate(pairwise(words)):
            before, after = words[at - 1] if at else "", words[at + 2] if at + 2 < len(words) else ""
            is_said = (
                HOLE in {first, second}
                or (first, second) in found | JOINED
                # One of the two is filled in: what is counted, or any word.
                or (first in counted and (HOLE, second) in found)
                or (second in counted and (first, HOLE) in found)
                or not {(before, HOLE, second), (first, HOLE, after)}.isdisjoint(found)
            )
            if not is_said:
                lost.append(f"{first} {second}")
    return lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_message_that_the_page_shows_is_one_that_is_said(page: Path) -> None:
    text = page.read_text()
    shown = [first or second for first, second in SHOWN.findall(text)]
    prose = " ".join(line for line in EXAMPLE.sub("", text).splitlines() if not line.startswith("|") or "*" in line)
    quoted = [words for words in ITALIC.findall(prose) if len(words.split()) >= LEAST_WORDS]
    assert [f"{line}: {lost}" for line in (*shown, *quoted) if (lost := never_said(line))] == []


def test_the_handbook_shows_messages() -> None:
    assert len(SHOWN.findall(PAGES[0].read_text())) > 30


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("uk is down since 14:44:50 GMT, seen from 2 places", []),
        ("Nobody looks after it", ["nobody looks", "looks after"]),
        ("Outage 7 of uk: the note is kept", []),
        ("6 sites moved from us (Dallas) to uk (London)", []),
    ],
)
def test_what_is_not_said_any_more_is_found(text: str, lost: list[str]) -> None:
    assert never_said(text) == lost
