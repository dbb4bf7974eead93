"""Finding what is one new file: each file of a folder holds one constant of one type."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection


class Named(Protocol):
    """What has a name of its own."""

    @property
    def name(self) -> str:
        """By which it is found."""
        ...


Found = TypeVar("Found", bound=Named)


def found_in(package: str, constant: str, kind: type[Found], but: Collection[str] = ()) -> dict[str, Found]:
    """Return the `constant` of every module of `package` by its name, in the order of the files.

    but: modules that hold none. Raises TypeError for another module without one of this `kind`, and for a name that
    two of them have.
    """
    found: dict[str, Found] = {}
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if module.name in but:
            continue
        one = getattr(importlib.import_module(f"{package}.{module.name}"), constant, None)
        if not isinstance(one, kind):
            file = f"{package.replace('.', '/')}/{module.name}" + ("" if module.ispkg else ".py")
            raise TypeError(f"{file} holds no {constant} of type {kind.__name__}")
        if one.name in found:
            raise TypeError(f"two files of {package} hold the {constant} {one.name}")
        found[one.name] = one
    return found
