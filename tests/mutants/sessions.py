"""Runs tests over a module that was changed: in a fork of a session that has everything imported and collected already.

What acts inside a function is put into the function that is there. What acts when its module is imported, a constant or
a default, needs a session of its own, in which the module is the other one from the start.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import importlib.abc
import importlib.machinery
import os
import pickle
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING

import pytest
from mutants.reach import Failing, Reach, Watching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mutants.python import Mutant

# Who needs more is in a loop, or waits for what does not come.
CPU_S = 60
A_TEST_S = 150
OURS = ("core", "ops", "jobs", "commands", "bot")
PLAIN = (
    *("-q", "--capture=no", "--assert=plain", "--hypothesis-profile=unshrunk", "-o", f"timeout={A_TEST_S}"),
    *("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov"),
)
NOT_SO_EASILY = 71


class OneSession:
    """A plugin: instead of the tests, runs those that may notice it over each mutant that acts inside a function.

    noticed: what came of each. left: those that need a session of their own. theirs: the modules of others that the
    tests have imported.
    """

    def __init__(
        self, root: Path, folder: str, mutants: Sequence[Mutant], budget_s: float, say: Callable[[Mutant], None]
    ) -> None:
        self._root, self._folder, self._mutants, self._budget_s, self._say = root, folder, mutants, budget_s, say
        self.reach = Reach()
        self.noticed: dict[int, bool] = {}
        self.left: list[int] = []
        self.theirs: list[str] = []
        self.failing = Failing()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run them."""
        self.reach = _as_they_are(session, self._root, self._folder)
        self.theirs = [name for name in sys.modules if _is_of_others(name)]
        items = {item.nodeid: item for item in session.items}
        # What never goes is not looked at again, or each fork would copy the pages it stands on.
        gc.freeze()
        until = time.monotonic() + self._budget_s
        for number, mutant in enumerate(self._mutants):
            if time.monotonic() > until:
                break
            if mutant.reach is None:
                self.left.append(number)
                continue
            tests = self.failing.first(mutant.path, self.reach.of(mutant.path, mutant.reach))
            self.failing.clear()
            status = in_fork(
                functools.partial(_over, session, mutant, [items[test] for test in tests], self.failing.is_at)
            )
            if status == NOT_SO_EASILY:
                self.left.append(number)
            else:
                self.noticed[number] = status != 0
                self.failing.learn(mutant.path, tests)
                if status == 0:
                    self._say(mutant)
        return True


def in_one_session(
    root: Path,
    folder: str,
    tests: Sequence[str],
    mutants: Sequence[Mutant],
    budget_s: float,
    say: Callable[[Mutant], None],
) -> OneSession:
    """Try mutants in forks of one session of these tests, one after another until the time is up; say what survives."""
    with tempfile.TemporaryDirectory() as made:
        kept, said = Path(made) / "kept", Path(made) / "said"

        def work() -> int:
            plugin = OneSession(root, folder, mutants, budget_s, say)
            status = pytest.main([*PLAIN, *tests], plugins=[plugin])
            came_of = plugin.reach, plugin.noticed, plugin.left, plugin.theirs, plugin.failing.by_path
            kept.write_bytes(pickle.dumps(came_of))
            return int(status)

        if in_fork(work, said) != 0:
            raise SystemExit(f"{said.read_text()}\nThe tests do not pass as they are: pytest {' '.join(tests)}")
        session = OneSession(root, folder, mutants, budget_s, say)
        came_of = pickle.loads(kept.read_bytes())  # noqa: S301 - written above
        session.reach, session.noticed, session.left, session.theirs, session.failing.by_path = came_of
    # Every later session is a fork of this process, and would import all of that anew.
    for name in session.theirs if session.left else ():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    return session


def in_its_own_session(mutant: Mutant, tests: Sequence[str]) -> bool:
    """Return whether any of these tests fails where the module was changed from the start; there are none: no."""
    if not tests:
        return False

    def work() -> int:
        _limit()
        sys.meta_path.insert(0, Instead(mutant.module, mutant.code()))
        files = dict.fromkeys(test.partition("::")[0] for test in tests)
        return int(pytest.main([*PLAIN, "-x", *files], plugins=[Only(tests)]))

    return in_fork(work) != 0


class Only:
    """A plugin: these tests alone, in this order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._order = {test: number for number, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the others out."""
        items[:] = sorted((it for it in items if it.nodeid in self._order), key=lambda it: self._order[it.nodeid])


class Instead(importlib.abc.MetaPathFinder):
    """Finds one module where it is, and gives other code for it."""

    def __init__(self, name: str, code: CodeType) -> None:
        self._name, self._code = name, code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find that one alone."""
        if fullname != self._name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = Loader(fullname, spec.origin, self._code)
        return spec


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a module from code that is there already."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        """Return it."""
        del fullname
        return self._code


def put_in(module: ModuleType, code: CodeType) -> int:
    """Let the functions of a module do what this code of it says; return how many are other ones than before."""
    fresh = {one.co_qualname: one for one in _codes(code)}
    changed = 0
    for function in _functions(vars(module), module.__name__):
        new = fresh.get(function.__code__.co_qualname)
        if new is not None and new != function.__code__:
            function.__code__ = new
            changed += 1
    return changed


def in_fork(work: Callable[[], int], said: Path | None = Path(os.devnull)) -> int:
    """Return the exit status of `work` in a process of its own; negative: a signal ended it.

    said: where what it says goes; None: where it goes here.
    """
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 70
        try:
            if said is not None:
                kept = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(kept, 1)
                os.dup2(kept, 2)
            status = work()
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            sys.stdout.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _is_of_others(name: str) -> bool:
    """Return whether a module is one of PyPI or of Python: neither of the product nor of its tests."""
    origin = getattr(getattr(sys.modules[name], "__spec__", None), "origin", None) or ""
    return name.partition(".")[0] not in OURS and any(f"/{kept}/" in origin for kept in ("site-packages", "lib"))


def _over(session: pytest.Session, mutant: Mutant, items: Sequence[pytest.Item], is_at: Callable[[int], None]) -> int:
    module = sys.modules.get(mutant.module)
    if module is None or put_in(module, mutant.code()) == 0:
        return NOT_SO_EASILY
    _limit()
    return _run(session, items, is_at)


def _run(session: pytest.Session, items: Sequence[pytest.Item], is_at: Callable[[int], None] = lambda _: None) -> int:
    for number, (item, after) in enumerate(zip(items, [*items[1:], None], strict=True)):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if session.testsfailed:
            is_at(number)
            return 1
    return 0


def _as_they_are(session: pytest.Session, root: Path, folder: str) -> Reach:
    """Run all tests of a session, in a fork too, and return what each of them runs. Raises UsageError: one failed."""
    with tempfile.TemporaryDirectory() as made:
        kept = Path(made) / "reach"

        def work() -> int:
            watching = Watching(root, folder)
            session.config.pluginmanager.register(watching)
            status = _run(session, session.items)
            kept.write_bytes(pickle.dumps(watching.ended()))
            return status

        if in_fork(work, None) != 0:
            raise pytest.UsageError("the tests fail as they are")
        reach: Reach = pickle.loads(kept.read_bytes())  # noqa: S301 - written above
    return reach


def _limit() -> None:
    used_s = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))
    resource.setrlimit(resource.RLIMIT_CPU, (used_s + CPU_S, used_s + CPU_S))


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _functions(names: Mapping[str, object], module: str) -> Iterator[FunctionType]:
    """Yield the functions that a module defines itself, methods and properties too, whatever they are wrapped in."""
    for value in list(names.values()):
        for one in (value, *(getattr(value, name, None) for name in ("fget", "__func__", "func", "__wrapped__"))):
            if isinstance(one, FunctionType) and one.__module__ == module:
                yield one
        if isinstance(value, type) and value.__module__ == module:
            yield from _functions(vars(value), module)
