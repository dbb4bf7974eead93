"""Finding what is one new file: each file of a folder holds one constant of one type."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from types import ModuleType


class Named(Protocol):
    """What has a name of its own."""

    @property
    def name(self) -> str:
        """By which it is found."""
        ...


Found = TypeVar("Found", bound=Named)


def found_in(package: str, constant: str, kind: type[Found]) -> dict[str, Found]:
    """Return the `constant` of every module of `package` by its name, in the order of the files.

    Passed over: modules whose names begin with `_`, which help the others, and folders whose `__init__.py` defines
    nothing. Raises TypeError for any other module without one of this `kind`, and for a name that two of them have.
    """
    found: dict[str, Found] = {}
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if module.name.startswith("_"):
            continue
        there = importlib.import_module(f"{package}.{module.name}")
        if module.ispkg and not _defines_something(there):
            continue
        one = getattr(there, constant, None)
        if not isinstance(one, kind):
            file = f"{package.replace('.', '/')}/{module.name}" + ("" if module.ispkg else ".py")
            raise TypeError(f"{file} holds no {constant} of type {kind.__name__}")
        if one.name in found:
            raise TypeError(f"two files of {package} hold the {constant} {one.name}")
        found[one.name] = one
    return found


def _defines_something(package: ModuleType) -> bool:
    """Whether `__init__.py` holds more than a docstring; modules imported meanwhile do not count."""
    return any(not name.startswith("__") and not inspect.ismodule(value) for name, value in vars(package).items())
