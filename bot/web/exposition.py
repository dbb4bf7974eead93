"""Metrics as lines of text, one after the other, in the format that Prometheus reads (version 0.0.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with all its rows (values of the labels, value), which are asked for as they are written."""

    name: str
    about: str
    labels: tuple[str, ...]
    rows: Iterable[tuple[tuple[str, ...], float]]
    kind: Literal["gauge", "counter"] = "gauge"

    def lines(self) -> Iterator[str]:
        """Give its lines, each with its end."""
        yield f"# HELP {self.name} {self.about}\n"
        yield f"# TYPE {self.name} {self.kind}\n"
        for values, value in self.rows:
            pairs = ",".join(
                f'{label}="{text.translate(_ESCAPES)}"' for label, text in zip(self.labels, values, strict=True)
            )
            yield f"{self.name}{{{pairs}}} {float(value)!r}\n" if pairs else f"{self.name} {float(value)!r}\n"


def one(name: str, about: str, value: float) -> Family:
    """Return a metric that has a single value and no label."""
    return Family(name, about, (), [((), value)])
