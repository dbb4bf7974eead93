"""The pages for people say what the product does, and what the product says to type exists."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from commands import Command, all_commands, parser_for
from core.plan.plan import PlanState

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
HANDBOOK = (ROOT / "docs" / "handbook.md").read_text()
PRODUCT = ("core", "ops", "jobs", "commands", "bot")
# What may stand in back quotes in a message besides a line for Sharpnet: other programs, itself, keys of files.
NOT_OURS = frozenset(
    {"df", "dmesg", "findmnt", "fuser", "ls", "rndc", "rrsync", "secret", "sharpnet", "timedatectl", "true"}
)
FILLED_IN = "FILLED_IN"

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+?)\s*$", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([^`\n]+)`")
MAKE = re.compile(r"(?:`|^ {4})make ([a-z][a-z-]*)", re.MULTILINE)
TYPED = re.compile(r"(?:`|^ {4}(?:\$ )?)(?:/|\.venv/bin/)?(sharpnet [a-z][^`\n]*)", re.MULTILINE)


def sections() -> dict[str, str]:
    """Return the handbook's text under each heading, up to the next heading of any level."""
    pieces = re.split(r"^#+ (.+?)\s*$", HANDBOOK, flags=re.MULTILINE)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def plain(text: str) -> str:
    return " ".join(text.replace("`", "").lower().split())


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = HEADING.findall(FENCE.sub("", page.read_text()))
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {word.replace(" ", "-") for word in words}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for folder in PRODUCT:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file, ast.parse(file.read_text())


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Return each text of a module that is no docstring, with its line; what is filled in later reads FILLED_IN."""
    silent: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in node.values}
            yield node.lineno, "".join(_said(part) for part in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.lineno, node.value


def _said(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else FILLED_IN


def lines_of_buttons(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Return what each button types, where its text is written out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Button":
            # A Button of Slack's own has names for all that it takes.
            for line in node.args[1:2]:
                if isinstance(line, ast.Constant | ast.JoinedStr):
                    parts = line.values if isinstance(line, ast.JoinedStr) else [line]
                    yield line.lineno, "".join(_said(part) for part in parts)


def why_not_typable(line: str) -> str | None:
    """Say why Sharpnet would not know `line`: no such command, or no such option; None where it would."""
    words = line.removeprefix("/").removeprefix("sharpnet ").split()
    if not words or words[0] == FILLED_IN or words[0] in NOT_OURS or not re.fullmatch(r"[a-z]+", words[0]):
        return None
    command = all_commands().get(words[0])
    if command is None:
        return f"there is no command {words[0]!r}"
    unknown = [word for word in words[1:] if word.startswith("--") and word.split("=")[0] not in options_of(command)]
    return f"{command.name} has no {unknown[0]}" if unknown else None


def options_of(command: Command) -> set[str]:
    return set(parser_for(command)._option_string_actions)


def variables_read() -> set[str]:
    """Return the environment variables that the bot reads: every constant that `environ` is asked for."""
    found = set()
    for file in sorted((ROOT / "bot").rglob("*.py")):
        for match in re.finditer(r"""environ(?:\.get\(|\[)\s*["']([A-Z_]+)["']""", file.read_text()):
            found.add(match[1])
    return found


@pytest.mark.parametrize("command", all_commands().values(), ids=lambda command: command.name)
def test_the_handbook_has_a_section_for_the_command_with_its_summary_and_options(command: Command) -> None:
    heading = f"`{command.name}`"
    assert heading in sections(), f"docs/handbook.md has no section ### {heading}"
    assert plain(command.summary) in plain(sections()[heading])
    missing = {
        option for option in options_of(command) if f"`{option}" not in HANDBOOK and f" {option}" not in HANDBOOK
    }
    assert not missing, f"docs/handbook.md does not say what {missing} of {command.name} are"


def test_the_handbook_has_no_section_for_a_command_that_does_not_exist() -> None:
    described = {heading.strip("`") for heading in sections() if re.fullmatch(r"`[a-z]+`", heading)}
    assert described <= set(all_commands())


def test_the_handbook_lists_the_environment_variables_that_are_read_and_no_others() -> None:
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", sections()["Settings"], re.MULTILINE))
    assert listed == variables_read()
    assert "SLACK_BOT_TOKEN" in listed


def test_the_handbook_explains_every_preflight_check() -> None:
    checks = {
        str(call.args[0].value)
        for file in (ROOT / "core" / "cutover").glob("preflight_*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Verdict"
        if isinstance(call.args[0], ast.Constant)
    }
    explained = set(re.findall(r"^\| ([\w ]+?) \|", sections()["What do the checks mean?"], re.MULTILINE))
    assert checks
    assert checks == explained - {"check"}


def test_the_handbook_says_of_every_end_of_a_plan_what_to_do() -> None:
    rows = re.findall(r"^\| \*.+?\* \| ([\w ]+) \| \d \|", sections()["How did it end, and what now?"], re.MULTILINE)
    assert set(rows) == set(PlanState) - {PlanState.PLANNED, PlanState.APPROVED}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_the_page_leads_to_something(page: Path) -> None:
    dead = []
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_the_readme_shows_every_picture_of_the_main_job() -> None:
    shown = {Path(link).stem for link in LINK.findall((ROOT / "README.md").read_text()) if link.endswith(".png")}
    assert shown >= {"alert", "plan", "done", "phone-alert", "phone-plan", "phone-done"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_the_page_says_to_make_can_be_made(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(MAKE.findall(page.read_text())) <= targets


def test_the_readme_gives_the_two_commands_of_a_newcomer() -> None:
    assert {"demo", "test"} <= set(MAKE.findall((ROOT / "README.md").read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_the_page_says_to_type_exists(page: Path) -> None:
    typed = TYPED.findall(page.read_text())
    assert [f"{line}: {why}" for line in typed if (why := why_not_typable(line))] == []


def test_the_handbook_says_what_to_type() -> None:
    assert len(TYPED.findall(HANDBOOK)) > 1


def test_every_command_that_a_message_sends_people_to_exists() -> None:
    sent = [
        (f"{file.relative_to(ROOT)}:{number}", line)
        for file, tree in trees()
        for number, text in texts(tree)
        for line in QUOTED.findall(text)
    ]
    assert len(sent) > 1
    lost = [f"{where}: `{line}`: {why}" for where, line in sent if (why := why_not_typable(line))]
    assert not lost, "\n".join(lost)


def test_every_line_that_a_button_types_exists() -> None:
    typed = [
        (f"{file.relative_to(ROOT)}:{number}", line)
        for file, tree in trees()
        for number, line in lines_of_buttons(tree)
    ]
    assert {"approve", "cancel", "rollback"} <= {line.split()[0] for _, line in typed}
    lost = [f"{where}: {line}: {why}" for where, line in typed if (why := why_not_typable(line))]
    assert not lost, "\n".join(lost)


@pytest.mark.parametrize("command", all_commands().values(), ids=lambda command: command.name)
def test_the_examples_of_the_command_can_be_typed(command: Command) -> None:
    assert command.examples
    for example in command.examples:
        name, *words = shlex.split(example)
        assert name == command.name
        parser_for(command).parse_args(words)


@pytest.mark.parametrize("command", all_commands().values(), ids=lambda command: command.name)
def test_the_help_of_the_command_holds_no_escape_codes(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    parser = parser_for(command)
    assert "\x1b" not in parser.format_help() + parser.format_usage()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("drill uk", "there is no command 'drill'"),
        ("sharpnet sync SITE --take-activ", "sync has no --take-activ"),
        ("sync SITE --dry-run", None),
        ("/sharpnet status", None),
        (f"{FILLED_IN} --anything", None),
        ("rndc notify ZONE", None),
    ],
)
def test_a_line_that_cannot_be_typed_is_found(line: str, why: str | None) -> None:
    assert why_not_typable(line) == why
