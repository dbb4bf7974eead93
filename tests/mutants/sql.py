"""Small changes to SQL, each of which a test of the store should notice.

A change keeps the number of parameters: one that the database itself refuses would tell nothing of the tests. A limit
of one row stays, and so does what SELECT 1 gives: who asks whether there is any row reads none of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    # From this word to before that one stands something else.
    Change = tuple[int, int, str]

# A hole, where another string is put in, is NUL, a number, NUL.
WORD = re.compile(r"\s+|'[^']*'|\"[^\"]*\"|\x00\d+\x00|\w+|->>|<=|>=|!=|\|\||.", re.DOTALL)
STATEMENT = re.compile(r"\s*(?:SELECT|FROM|INSERT|UPDATE|DELETE|CREATE TRIGGER|CREATE UNIQUE INDEX|WHERE)\b")
PART_OF_ONE = re.compile(r"\bIS (?:NOT )?NULL\b|\w IN \(|[=<>] \?|\b(?:ORDER|GROUP) BY\b")
ENDS_CONDITION = {"ORDER", "GROUP", "LIMIT", "RETURNING", "UNION", "THEN", "ON", "BEGIN", "WHERE", "SET", ";", ")"}
IN_CONDITIONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "!=", "!=": "=", "AND": "OR", "OR": "AND"}
# nullif(a, b) is a, as coalesce(a, b) is, but where a is missing.
ANYWHERE = {
    "max": "min",
    "min": "max",
    "+": "-",
    "DESC": "ASC",
    "coalesce": "nullif",
    "JOIN": "LEFT JOIN",
    "UNIQUE INDEX": "INDEX",
    "UNION ALL": "UNION",
    "IS NULL": "IS NOT NULL",
    "IS NOT NULL": "IS NULL",
    "NOT IN": "IN",
    "NOT EXISTS": "EXISTS",
    "NOT LIKE": "LIKE",
}


def is_sql(text: str) -> bool:
    """Return whether a string is SQL, or a part of it, of which a change would mean something."""
    return bool(STATEMENT.match(text) or (PART_OF_ONE.search(text) and not text.startswith("CREATE")))


def changed(text: str) -> Iterator[str]:
    """Yield `text` with one change each."""
    sql = Sql(text)
    seen = {text}
    for change in (*sql.terms(), *sql.words(), *sql.orders(), *sql.limits(), *sql.conflicts(), *sql.assignments()):
        start, end, new = change
        made = sql.text(0, start) + new + sql.text(end, len(sql.all))
        if made not in seen:
            seen.add(made)
            yield made


class Sql:
    """SQL as its words, white space among them."""

    def __init__(self, text: str) -> None:
        self.all: list[str] = WORD.findall(text)
        self.places = [place for place, word in enumerate(self.all) if not word.isspace()]
        self._conditions = self._find_conditions()

    def text(self, start: int, end: int) -> str:
        """Return the words from `start` to before `end` as they stand there."""
        return "".join(self.all[start:end])

    def words(self) -> Iterator[Change]:
        """Turn a comparison, a direction, a number or a text into another."""
        inside = {place for start, end in self._conditions for place in range(start, end)}
        for number, place in enumerate(self.places):
            word = self.all[place]
            for length in (3, 2, 1):
                last = self.places[number : number + length][-1] + 1
                if (new := ANYWHERE.get(self.text(place, last))) is not None:
                    yield place, last, new
                    break
            if word in IN_CONDITIONS and place in inside:
                yield place, place + 1, IN_CONDITIONS[word]
            elif word.startswith("'") and place in inside:
                yield place, place + 1, f"{word[:-1]}-'"
            elif word.isdigit() and self.text(place - 2, place) not in {"SELECT ", "LIMIT "}:
                yield place, place + 1, str(int(word) + 1)

    def terms(self) -> Iterator[Change]:
        """Leave one term of a condition out: as if it held (beside AND), or did not (beside OR)."""
        for start, end in self._conditions:
            for begin, stop, beside in self._split(start, end, {"AND", "OR"}):
                if self.all[begin].startswith("\x00"):
                    continue
                value, other = ("FALSE", "AND") if beside == "OR" else ("TRUE", "OR")
                # The parameters of what is left out are still given.
                given = f" {other} ? IS NULL" * self.all[begin:stop].count("?")
                yield begin, stop, f"({value}{given})"

    def assignments(self) -> Iterator[Change]:
        """Let one column of an UPDATE keep what it had."""
        for start in self._after("SET"):
            end = self._end(start, {"WHERE", "RETURNING"})
            for begin, stop, _ in self._split(start, end, {","}):
                column, _, value = self.text(begin, stop).partition(" = ")
                yield begin, stop, f"{column} = CASE WHEN TRUE THEN {column} ELSE {value} END"

    def conflicts(self) -> Iterator[Change]:
        """On a conflict, replace the row instead of leaving it, or leave it instead of changing it."""
        for start in self._after("CONFLICT"):
            insert, do = self.all.index("INSERT"), self.all.index("DO", start)
            if self.all[do + 2] == "UPDATE":
                yield do + 2, len(self.all), "NOTHING"
            else:
                kept = self.text(insert + 1, start - 4) + self.text(do + 3, len(self.all))
                yield insert, len(self.all), f"INSERT OR REPLACE{kept}"

    def limits(self) -> Iterator[Change]:
        """Leave a limit out, where its number is in the same text."""
        for start in self._after("LIMIT"):
            if start == len(self.all):
                continue
            if self.all[start + 1] == "?":
                yield start + 1, start + 2, "max(?, 1000000)"
            elif self.all[start + 1] != "1":
                yield start - 1, start + 2, ""

    def orders(self) -> Iterator[Change]:
        """Leave an order out, or one of its columns; turn a column's direction round."""
        for start in self._after("BY"):
            holes = {word for word in self.all if word.startswith("\x00")}
            end = self._end(start, {"LIMIT", ")", *holes})
            columns = self._split(start, end, {","})
            if self.all[start - 3] == "GROUP":
                continue
            yield start - 3, end, ""
            for begin, stop, _ in columns:
                others = [self.text(*one[:2]) for one in columns if one[0] != begin]
                if others:
                    yield columns[0][0], columns[-1][1], ", ".join(others)
                if self.all[stop - 1] != "DESC":
                    yield stop, stop, " DESC"

    def _after(self, wanted: str) -> list[int]:
        return [place + 1 for place in self.places if self.all[place] == wanted]

    def _end(self, start: int, ends: set[str]) -> int:
        """Return where what begins at `start` ends: at one of these words of the same depth, or at the end."""
        depth = 0
        for place in range(start, len(self.all)):
            if depth == 0 and self.all[place] in ends:
                return place
            depth += {"(": 1, "CASE": 1, ")": -1, "END": -1}.get(self.all[place], 0)
        return len(self.all)

    def _split(self, start: int, end: int, at: set[str]) -> list[tuple[int, int, str]]:
        """Return the parts between the words `at` of this depth, without white space, each with a word beside it."""
        parts: list[tuple[int, int, str]] = []
        begin, beside = start, ""
        while begin <= end:
            stop = min(self._end(begin, at), end)
            beside = self.all[stop] if stop < end else beside
            inside = [place for place in self.places if begin <= place < stop]
            if inside:
                parts.append((inside[0], inside[-1] + 1, beside))
            begin = stop + 1
        return parts

    def _find_conditions(self) -> list[tuple[int, int]]:
        """Return where conditions stand: what follows WHERE, WHEN and the ON of a join, and each bracket within."""
        joins = [
            place for before, place in zip(self.places, self.places[2:], strict=False) if self.all[before] == "JOIN"
        ]
        starts = [*self._after("WHERE"), *self._after("WHEN")]
        starts += [place + 1 for place in joins if self.all[place] == "ON"]
        if not STATEMENT.match("".join(self.all)):
            starts.append(0)
        found: list[tuple[int, int]] = []
        while starts:
            start = starts.pop()
            end = self._end(start, ENDS_CONDITION)
            found.append((start, end))
            for begin, stop, _ in self._split(start, end, {"AND", "OR"}):
                if self.all[begin] == "(" and "SELECT" not in self.all[begin:stop]:
                    starts.append(begin + 1)
        return found
