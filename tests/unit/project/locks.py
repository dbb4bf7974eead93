"""What makes a lock file one from which a clone can be set up, also when the index has newer releases than it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

CONTINUED = re.compile(r"\\\n")
HASH = re.compile(r"\s--hash=sha256:[0-9a-f]{64}(?=\s|$)")
ADDRESS = re.compile(r"[a-z]+://|^\s*(?:--(?:extra-)?index-url|-i|--find-links|-f)\b", re.MULTILINE)
INSTALLING = re.compile(r"\bpipx? install\b|\bpip3 install\b|\buv (?:sync|tool install)\b")
NEXT_COMMAND = re.compile(r"&&|\|\||[;|`\n]")


@dataclass(frozen=True, slots=True)
class Pin:
    """One entry of a lock: what is installed, with which extras, in which version, and where it applies."""

    name: str
    extras: frozenset[str]
    version: Version
    requirement: Requirement

    def applies_here(self) -> bool:
        """Whether this Python on this system takes it."""
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def entries(text: str) -> Iterator[str]:
    """Give a lock's entries, each as one line without its comments."""
    for line in CONTINUED.sub(" ", text).splitlines():
        entry = re.sub(r"(?:^|\s)#.*", "", line).strip()
        if entry:
            yield entry


def why_not_an_entry(entry: str) -> str | None:
    """Say why pip could take something else than was locked: no version, or no hash. None: it takes exactly this."""
    try:
        requirement = Requirement(HASH.sub("", entry).strip())
    except InvalidRequirement:
        return "is not NAME[EXTRAS]==VERSION ; MARKER --hash=sha256:…"
    exact = [one for one in requirement.specifier if one.operator == "==" and not one.version.endswith("*")]
    if requirement.url is not None or len(requirement.specifier) != 1 or not exact:
        return "is not of one version"
    return None if HASH.search(entry) else "has no hash"


def pins_of(text: str) -> list[Pin]:
    """Read a lock whose entries are right."""
    found = []
    for entry in entries(text):
        requirement = Requirement(HASH.sub("", entry).strip())
        version = Version(next(iter(requirement.specifier)).version)
        found.append(Pin(canonicalize_name(requirement.name), _extras(requirement), version, requirement))
    return found


def unlike(locks: Mapping[str, Sequence[Pin]]) -> list[str]:
    """Give what is pinned in two versions, whether in two locks or in one, for the same place."""
    versions: dict[tuple[str, str], dict[Version, str]] = {}
    for lock, pins in locks.items():
        for pin in pins:
            place = (pin.name, str(pin.requirement.marker))
            versions.setdefault(place, {}).setdefault(pin.version, lock)
    return [
        f"{name}: " + ", ".join(f"{version} in {lock}" for version, lock in found.items())
        for (name, _), found in versions.items()
        if len(found) > 1
    ]


def unmet(pins: Sequence[Pin], beside: Sequence[Pin], asked: Mapping[str, Sequence[str]]) -> list[str]:
    """Give each requirement of what is pinned that neither `pins` nor `beside` pins: pip would go and find one itself.

    asked: by canonical name, what the distribution's own metadata requires (Requires-Dist); what is not in there is
    not looked at. A requirement with an extra has to be pinned with that extra: to an older pip `coverage[toml]` is
    another thing than the pinned `coverage`, and has no hash.
    """
    return [
        f"{pin.name} needs {requirement}, {why}"
        for pin in pins
        if pin.applies_here()
        for requirement in map(Requirement, asked.get(pin.name, ()))
        if _is_wanted(requirement, pin.extras)
        if (why := _why_not_pinned(requirement, [*pins, *beside]))
    ]


def _is_wanted(requirement: Requirement, extras: Iterable[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _why_not_pinned(requirement: Requirement, pins: Iterable[Pin]) -> str | None:
    found = [pin for pin in pins if pin.name == canonicalize_name(requirement.name) and pin.applies_here()]
    if not found:
        return "which is not pinned"
    unfit = [pin for pin in found if not requirement.specifier.contains(pin.version, prereleases=True)]
    if unfit:
        return f"and pinned is {unfit[0].version}"
    missing = _extras(requirement) - frozenset[str]().union(*(pin.extras for pin in found))
    return f"pinned without [{','.join(sorted(missing))}]" if missing else None


def _extras(requirement: Requirement) -> frozenset[str]:
    return frozenset(canonicalize_name(extra) for extra in requirement.extras)


def installs(text: str) -> list[str]:
    """Give each command in a recipe or a page that installs Python packages, with all its options."""
    whole = CONTINUED.sub(" ", text)
    return [NEXT_COMMAND.split(whole[found.start() :], maxsplit=1)[0].strip() for found in INSTALLING.finditer(whole)]


def why_not_install(command: str) -> str | None:
    """Say what an installing command could take that nobody has locked; None where it takes only what is locked."""
    if re.search(r"\s(?:-e|--editable)\s|\s\.(?:/\S*)?(?:\s|$)", command):
        missing = [option for option in ("--no-deps", "--no-build-isolation") if option not in command]
    else:
        missing = [option for option in ("--require-hashes", "--only-binary :all:") if option not in command]
    return f"has no {' and no '.join(missing)}" if missing else None
