"""A mapping of the fleet file, read with complaints that name the place."""

from typing import Any

from lab.errors import FleetFileError


class Part:
    """A mapping of the file; whatever is missing or of another kind is a FleetFileError that names the place."""

    def __init__(self, tree: object, where: str) -> None:
        if not isinstance(tree, dict):
            raise FleetFileError(f"{where} is no mapping")
        self._tree: dict[Any, Any] = tree
        self.where = where

    def has(self, key: str) -> bool:
        """Say whether the key has a value."""
        return self._tree.get(key) is not None

    def part(self, key: str) -> "Part":
        """Give the mapping under a key that must be there."""
        return Part(self._need(key), f"{self.where}: {key}")

    def parts(self, key: str) -> dict[str, "Part"]:
        """Give the mappings under a key, by name."""
        named = self._need(key)
        if not isinstance(named, dict):
            raise FleetFileError(f"{self.where}: {key} is no mapping")
        return {str(name): Part(tree, f"{self.where}: {key}.{name}") for name, tree in named.items()}

    def listed(self, key: str) -> list["Part"]:
        """Give the mappings of a list; none where it is left out."""
        return [Part(tree, f"{self.where}: {key}[{at}]") for at, tree in enumerate(self._list(key))]

    def texts(self, key: str) -> list[str]:
        """Give the values of a list as text; none where it is left out."""
        return [str(value) for value in self._list(key)]

    def text(self, key: str, otherwise: str | None = None) -> str:
        """Give a value as text, or `otherwise` where it is left out."""
        return str(self._need(key, otherwise))

    def number(self, key: str, otherwise: int | None = None) -> int:
        """Give a whole number, or `otherwise` where it is left out."""
        value = self._need(key, otherwise)
        if not isinstance(value, int):
            raise FleetFileError(f"{self.where}: {key} is {value!r}, not a whole number")
        return value

    def _list(self, key: str) -> list[object]:
        value = self._tree.get(key) or []
        if not isinstance(value, list):
            raise FleetFileError(f"{self.where}: {key} is no list")
        return value

    def _need(self, key: str, otherwise: object = None) -> object:
        value = self._tree.get(key)
        if value is None:
            value = otherwise
        if value is None:
            raise FleetFileError(f"{self.where} lacks {key}")
        return value
