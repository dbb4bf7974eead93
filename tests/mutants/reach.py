"""Which tests run which lines: those that may notice a change there."""

from __future__ import annotations

import mmap
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coverage
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Hundreds of tests may have the same done for them before they begin.
MOST_SET_UP = 300
SETTING_UP = "setup of "
# Who changes a module from the start is looked at by tests that take so long together.
MOST_S = 100.0


@dataclass
class Reach:
    """Which tests ran which lines of which file, by themselves or while they were set up, and how long each took."""

    tests: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    set_up: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    took_s: dict[str, float] = field(default_factory=dict)

    def of(self, path: str, lines: Iterable[int] | None) -> list[str]:
        """Return the tests that may notice a change to any of these lines of a file (None: any at all), best first.

        Those that run it themselves, the shortest first, then some that only have it done for them; or all of these.
        """
        by, for_them = (self._that_ran(found.get(path, {}), lines) for found in (self.tests, self.set_up))
        return [*by, *[test for test in for_them if test not in set(by)][:MOST_SET_UP]] if by else for_them

    def of_modules(self, paths: Iterable[str]) -> list[str]:
        """Return tests that run any of these files, in the order of the files, for no longer than `MOST_S`."""
        chosen: list[str] = []
        left_s = MOST_S
        for test in dict.fromkeys(test for path in paths for test in self.of(path, None)):
            left_s -= self.took_s[test]
            if left_s < 0 and chosen:
                break
            chosen.append(test)
        return chosen

    def beside(self, path: str) -> list[str]:
        """Return the tests of a subject, the shortest first: a file of constants alone has no line that they run."""
        *_, folder, name = Path(path).with_suffix("").parts
        found = [test for test in self.took_s if {folder, f"test_{name}.py"} & {*test.partition("::")[0].split("/")}]
        return sorted(found, key=lambda test: (self.took_s[test], test))

    def _that_ran(self, by_line: dict[int, set[str]], lines: Iterable[int] | None) -> list[str]:
        found = {test for line in (by_line if lines is None else lines) for test in by_line.get(line, ())}
        return sorted(found, key=lambda test: (self.took_s[test], test))


class Failing:
    """Which tests noticed other changes to a file: they come first over its next one. A fork says by `is_at` which.

    by_path: by file, how many changes each test noticed.
    """

    def __init__(self) -> None:
        self.by_path: dict[str, dict[str, int]] = {}
        self._at = mmap.mmap(-1, 8)

    def first(self, path: str, tests: Sequence[str]) -> list[str]:
        """Return the tests with those first that noticed most in this file."""
        noticed = self.by_path.get(path, {})
        return sorted(tests, key=lambda test: -noticed.get(test, 0))

    def clear(self) -> None:
        """Begin anew: no test failed yet."""
        self.is_at(-1)

    def is_at(self, number: int) -> None:
        """Say, in a fork, which test failed."""
        self._at[:] = (number + 1).to_bytes(8, "big")

    def learn(self, path: str, tests: Sequence[str]) -> None:
        """Keep which one failed."""
        number = int.from_bytes(self._at[:], "big") - 1
        if number >= 0:
            noticed = self.by_path.setdefault(path, {})
            noticed[tests[number]] = noticed.get(tests[number], 0) + 1


class Watching:
    """A plugin: which lines each test runs, in whichever thread."""

    def __init__(self, root: Path, folder: str) -> None:
        self._root, self._took_s = root, dict[str, float]()
        self._coverage = coverage.Coverage(data_file=None, include=[f"{root}/{folder}/*"], config_file=False)
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        """Watch one, and how long it takes."""
        self._coverage.switch_context(f"{SETTING_UP}{item.nodeid}")
        begun = time.perf_counter()
        result = yield
        self._took_s[item.nodeid] = time.perf_counter() - begun
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Watch what it does itself."""
        self._coverage.switch_context(item.nodeid)

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Say what failed: all of it has to pass before anything is changed."""
        if report.failed:
            print(f"\n{report.nodeid}\n{report.longreprtext}")  # noqa: T201 - the session is not one that says so

    def ended(self) -> Reach:
        """Return what was seen."""
        self._coverage.stop()
        found = self._coverage.get_data()
        reach = Reach(took_s=self._took_s)
        for file in found.measured_files():
            path = str(Path(file).relative_to(self._root))
            for line, contexts in found.contexts_by_lineno(file).items():
                for context in filter(None, contexts):
                    kept = reach.set_up if context.startswith(SETTING_UP) else reach.tests
                    kept.setdefault(path, {}).setdefault(line, set()).add(context.removeprefix(SETTING_UP))
        return reach
