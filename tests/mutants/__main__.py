"""Makes small changes to the code, one at a time, and says which of them no test notices: `make mutants`.

They are drawn by a seed, as many as there is time for. What no test could notice is in `equivalent.py`.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import random
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mutants.equivalent import EQUIVALENT
from mutants.python import Module
from mutants.sessions import in_its_own_session, in_one_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mutants.python import Enums, Mutant

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Part:
    """A folder of the product, what is changed in it, which tests are to notice, and what share of it at least."""

    name: str
    folder: str
    tests: tuple[str, ...]
    changes: Callable[[Module], Iterator[Mutant]]
    at_least: float


PARTS = (
    Part("core", "core", ("tests/unit", "--ignore=tests/unit/project"), Module.of_decisions, 0.95),
    Part("store", "ops/store", ("tests/store",), Module.of_sql, 0.90),
)


@dataclass(frozen=True)
class Figures:
    """What came of one part."""

    part: Part
    of: int
    tried: int
    survivors: tuple[Mutant, ...]

    @property
    def share(self) -> float:
        """What share of those that were tried some test noticed."""
        return 1 - len(self.survivors) / self.tried if self.tried else 0.0

    @property
    def row(self) -> str:
        """Say it as a row of a table in Markdown."""
        noticed = self.tried - len(self.survivors)
        return (
            f"| {self.part.name} | {self.of:,} | {self.tried:,} | {noticed:,} ({self.share:.1%}) "
            f"| {self.part.at_least:.0%} | {'yes' if self.share >= self.part.at_least else '**no**'} |"
        )


def main() -> int:
    """Try mutants of each part; return 1 where too few of one are noticed."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--part", choices=[part.name for part in PARTS], help="this part alone")
    parser.add_argument("--within", nargs="+", default=[""], help="only of files whose path holds one of these")
    parser.add_argument("--tests", nargs="+", help="these alone, where they are all that is to notice it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--minutes",
        type=float,
        default=10,
        help="of all parts, after their tests ran once, and half as long again for what acts on import",
    )
    asked = parser.parse_args()
    parts = [part for part in PARTS if asked.part in {None, part.name}]
    if asked.tests:
        parts = [replace(part, tests=tuple(asked.tests)) for part in parts]
    out = os.fdopen(os.dup(1), "w", buffering=1)

    def say(line: str) -> None:
        print(line, file=out)

    figures = [_tried(part, asked.within, asked.seed, 60 * asked.minutes / len(parts), say) for part in parts]
    say("")
    say("| part | changes | tried | noticed | to be | held |")
    say("| --- | --- | --- | --- | --- | --- |")
    for one in figures:
        say(one.row)
    say(f"\nDrawn by seed {asked.seed}; Python {sys.version.split()[0]}; load {os.getloadavg()[0]:.1f} at the end.")
    return int(any(one.share < one.part.at_least for one in figures))


def mutants_of(part: Part, within: Sequence[str] = ("",)) -> list[Mutant]:
    """Return all mutants of a part but those that nobody could notice. Raises SystemExit: one of these is gone."""
    enums = _enums(ROOT / "core")
    paths = [str(path.relative_to(ROOT)) for path in sorted((ROOT / part.folder).rglob("*.py"))]
    found = [
        mutant
        for path in paths
        if any(one in path for one in within)
        for mutant in part.changes(Module(path, (ROOT / path).read_text(encoding="utf-8"), enums))
    ]
    names = {mutant.name for mutant in found}
    looked_at = tuple(f"{path}:" for path in paths if any(one in path for one in within))
    gone = [name for name in EQUIVALENT if name.startswith(looked_at) and name not in names]
    if gone:
        raise SystemExit("\n".join(["tests/mutants/equivalent.py names what is not there any more:", *gone]))
    return [mutant for mutant in found if mutant.name not in EQUIVALENT]


def _tried(part: Part, within: Sequence[str], seed: int, budget_s: float, say: Callable[[str], None]) -> Figures:
    mutants = mutants_of(part, within)
    random.Random(seed).shuffle(mutants)  # noqa: S311 - a sample
    say(f"{part.name}: {len(mutants):,} changes; first {' '.join(part.tests)} as it is")

    def survives(mutant: Mutant) -> None:
        say(f"not noticed: {mutant.path}:{mutant.line}\n    {mutant.before}\n    {mutant.after}")

    session = in_one_session(ROOT, part.folder, part.tests, mutants, budget_s, survives)
    noticed = dict(session.noticed)
    until = time.monotonic() + budget_s / 2
    # Who has seen enough gets the figures of what was tried.
    with contextlib.suppress(KeyboardInterrupt):
        for number in session.left:
            if time.monotonic() > until:
                break
            mutant = mutants[number]
            tests = session.reach.of_modules([mutant.path, *_importers(part, mutant.module)])
            tests = list(dict.fromkeys([*session.reach.beside(mutant.path), *tests]))
            noticed[number] = in_its_own_session(mutant, session.failing.first(mutant.path, tests))
            if not noticed[number]:
                survives(mutant)
    survivors = tuple(mutants[number] for number, was in noticed.items() if not was)
    return Figures(part, len(mutants), len(noticed), survivors)


def _importers(part: Part, module: str) -> list[str]:
    """Return the files of a part that import from a module: who only holds a constant runs no line of its own."""
    return [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / part.folder).rglob("*.py"))
        if f"from {module} import" in path.read_text(encoding="utf-8")
    ]


def _enums(folder: Path) -> Enums:
    """Return the members of each enumeration of a folder, by its name."""
    return {
        node.name: [
            one.targets[0].id
            for one in node.body
            if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)
        ]
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id.endswith("Enum") for base in node.bases)
    }


if __name__ == "__main__":
    sys.exit(main())
