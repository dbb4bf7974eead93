"""What is installed is what was locked: pip finds nothing by itself, on no index and in no later year."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version
from unit.project.locks import ADDRESS, entries, installs, pins_of, unlike, unmet, why_not_an_entry, why_not_install

ROOT = Path(__file__).parents[3]
# Each lock, and those that are installed before it.
BESIDE = {
    "requirements": (),
    "requirements-build": ("requirements",),
    "requirements-demo": ("requirements", "requirements-build"),
    "requirements-dev": ("requirements", "requirements-build", "requirements-demo"),
    "requirements-lock": (),
    "requirements-release": ("requirements", "requirements-build", "requirements-demo", "requirements-dev"),
}
TEXTS = {name: (ROOT / f"{name}.txt").read_text() for name in BESIDE}
PINS = {name: pins_of(text) for name, text in TEXTS.items()}
RECIPES = sorted(
    file for pattern in ("Makefile", ".ci/run", "lab/*.sh", "*.md", "docs/**/*.md") for file in ROOT.glob(pattern)
)
OWN = {"core", "ops", "jobs", "commands", "bot", "lab", "bench"}
HASHES = "--hash=sha256:" + 64 * "a" + " --hash=sha256:" + 64 * "b"


def asked(name: str) -> list[str] | None:
    """Return what an installed distribution requires; None where it is not installed in the pinned version."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return None
    pinned = [pin.version for pins in PINS.values() for pin in pins if pin.name == name]
    return (found.requires or []) if Version(found.version) in pinned else None


def test_every_lock_has_what_it_was_compiled_from_and_is_looked_at_here() -> None:
    sources = {file.stem for file in ROOT.glob("requirements*.in")}
    assert sources == {file.stem for file in ROOT.glob("requirements*.txt")} == set(BESIDE)


@pytest.mark.parametrize("lock", BESIDE)
def test_each_entry_of_the_lock_is_one_version_with_hashes_from_any_index(lock: str) -> None:
    assert [f"{entry[:80]}: {why}" for entry in entries(TEXTS[lock]) if (why := why_not_an_entry(entry))] == []
    assert ADDRESS.findall(TEXTS[lock]) == []


@pytest.mark.parametrize("lock", BESIDE)
def test_what_the_lock_was_compiled_from_is_in_it(lock: str) -> None:
    lines = [re.sub(r"(?:^|\s)#.*|^-c .*", "", line).strip() for line in (ROOT / f"{lock}.in").read_text().splitlines()]
    wanted = {lock: [line for line in lines if line]}
    assert wanted[lock]
    root = pins_of(f"{lock}==1")
    assert unmet([*root, *PINS[lock]], (), wanted) == []


def test_what_is_in_two_locks_is_pinned_to_one_version() -> None:
    assert unlike(PINS) == []


@pytest.mark.parametrize(
    ("lock", "folders"),
    [
        ("requirements", ["core", "ops", "jobs", "commands", "bot"]),
        ("requirements-demo", ["lab"]),
        ("requirements-dev", ["tests", "bench"]),
    ],
)
def test_what_the_folders_import_is_in_their_lock(lock: str, folders: list[str]) -> None:
    pinned = {pin.name for one in (lock, *BESIDE[lock]) for pin in PINS[one]}
    providers = packages_distributions()
    imported = {
        (name, str(file.relative_to(ROOT)))
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"^ *(?:import|from) (\w+)", file.read_text(), re.MULTILINE)
        if name in providers and name not in OWN
    }
    assert imported
    assert [one for one in imported if not pinned & {canonicalize_name(name) for name in providers[one[0]]}] == []


@pytest.mark.parametrize("lock", ["requirements", "requirements-dev"])
def test_the_tests_run_with_what_is_pinned(lock: str) -> None:
    other = [pin.name for pin in PINS[lock] if pin.applies_here() and asked(pin.name) is None]
    assert other == [], "the environment is not the lock's: make check renews it"


@pytest.mark.parametrize("lock", BESIDE)
def test_all_that_the_locks_distributions_require_is_pinned_with_its_extras(lock: str) -> None:
    beside = [pin for other in BESIDE[lock] for pin in PINS[other]]
    known = {pin.name: needs for pin in PINS[lock] if (needs := asked(pin.name)) is not None}
    assert unmet(PINS[lock], beside, known) == []


@pytest.mark.parametrize(
    ("lock", "beside", "why"),
    [
        ("cover==7.1\nplug==1.0", "", ["plug needs cover[toml]>=7, pinned without [toml]"]),
        ("cover[toml]==7.1\nplug==1.0", "", []),
        ("plug==1.0", "cover[toml]==7.1", []),
        ("plug==1.0", "cover==7.1", ["plug needs cover[toml]>=7, pinned without [toml]"]),
        ("Plug==1.0\nCover[TOML]==7.1", "", []),
        ("plug==1.0\ncover[toml]==6.9", "", ["plug needs cover[toml]>=7, and pinned is 6.9"]),
        ("plug==1.0\ncover[toml]==7.0", "", []),
        ("plug==1.0", "", ["plug needs cover[toml]>=7, which is not pinned"]),
        ("plug==1.0\ncover[toml]==7.1 ; python_version < '3'", "", ["plug needs cover[toml]>=7, which is not pinned"]),
        ("plug==1.0 ; python_version < '3'", "", []),
        ("plug[fast]==1.0\ncover[toml]==7.1", "", ['plug needs speed; extra == "fast", which is not pinned']),
        ("plug[fast]==1.0\ncover[toml]==7.1\nspeed==2", "", []),
        ("not-installed==1.0", "", []),
    ],
)
def test_what_a_lock_leaves_to_pip_is_found(lock: str, beside: str, why: list[str]) -> None:
    metadata = {
        "plug": [
            "cover[toml]>=7",
            "speed; extra == 'fast'",
            "old; python_version < '3'",
            "colour; sys_platform == 'win32'",
        ],
        "cover": ["tomli; python_version < '3' and extra == 'toml'"],
    }
    assert unmet(pins_of(lock), pins_of(beside), metadata) == why


def test_a_lock_whose_extras_are_stripped_is_found() -> None:
    stripped = pins_of(re.sub(r"^([\w-]+)\[[^]]+\]", r"\1", TEXTS["requirements-dev"], flags=re.MULTILINE))
    beside = [pin for other in BESIDE["requirements-dev"] for pin in PINS[other]]
    (found,) = unmet(stripped, beside, {"pytest-cov": asked("pytest-cov") or []})
    assert re.fullmatch(r"pytest-cov needs coverage\[toml\]>=[\d.]+, pinned without \[toml\]", found)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (f"cover[toml]==7.1 {HASHES}", None),
        (f"cover==7.1 ; python_version < '3.12' {HASHES}", None),
        ("cover==7.1", "has no hash"),
        ("cover==7.1 --hash=sha256:abc", "is not NAME[EXTRAS]==VERSION ; MARKER --hash=sha256:…"),
        (f"cover>=7.1 {HASHES}", "is not of one version"),
        (f"cover==7.* {HASHES}", "is not of one version"),
        (f"cover {HASHES}", "is not of one version"),
        (f"cover @ https://pypi.test/cover.whl {HASHES}", "is not of one version"),
        ("-e .", "is not NAME[EXTRAS]==VERSION ; MARKER --hash=sha256:…"),
    ],
)
def test_an_entry_that_leaves_pip_a_choice_is_found(entry: str, why: str | None) -> None:
    assert why_not_an_entry(entry) == why


def test_an_entry_is_read_over_its_lines_and_without_its_comments() -> None:
    text = "one==1 \\\n    --hash=sha256:ab \\\n    --hash=sha256:cd\n    # via two\n# by hand\ntwo==2 # three\n"
    assert [re.sub(r"\s+", " ", entry) for entry in entries(text)] == [
        "one==1 --hash=sha256:ab --hash=sha256:cd",
        "two==2",
    ]


@pytest.mark.parametrize("line", ["--index-url https://pypi.test/simple", "-i somewhere", "# from http://pypi.test"])
def test_an_index_in_a_lock_is_found(line: str) -> None:
    assert ADDRESS.search(f"one==1\n{line}\n")


def test_versions_that_differ_are_named_with_their_locks() -> None:
    locks = {"a": pins_of("one==1\ntwo==2"), "b": pins_of("one==1\ntwo==3"), "c": pins_of("two==2")}
    assert unlike(locks) == ["two: 2 in a, 3 in b"]


def test_one_version_for_each_marker_is_no_difference() -> None:
    forked = "one==1 ; python_version < '3.12'\none==2 ; python_version >= '3.12'"
    assert unlike({"a": pins_of(forked), "b": pins_of(forked)}) == []


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_recipe_installs_only_what_is_locked(file: Path) -> None:
    assert [f"{command}: {why}" for command in installs(file.read_text()) if (why := why_not_install(command))] == []


def test_the_recipes_that_install_are_looked_at() -> None:
    found = {str(file.relative_to(ROOT)): len(installs(file.read_text())) for file in RECIPES}
    assert found["Makefile"] >= 2
    assert found["docs/handbook.md"] >= 2


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("pip install --only-binary :all: --require-hashes -r requirements.txt", None),
        ("pip install -r requirements.txt", "has no --require-hashes and no --only-binary :all:"),
        ("pip install --require-hashes -r requirements.txt", "has no --only-binary :all:"),
        ("pip install --no-deps --no-build-isolation -e .", None),
        ("pip install --no-deps -e .", "has no --no-build-isolation"),
        ("pip install --no-build-isolation .", "has no --no-deps"),
        ("pip3 install black", "has no --require-hashes and no --only-binary :all:"),
    ],
)
def test_a_command_that_takes_what_is_not_locked_is_found(command: str, why: str | None) -> None:
    over_lines = command.replace(" -", " \\\n        -")
    text = f"first\n    .venv/bin/{over_lines} && next --require-hashes\nlast\n"
    found = [re.sub(r"\s+", " ", one) for one in installs(text)]
    assert found == [command]
    assert why_not_install(found[0]) == why
