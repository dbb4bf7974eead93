"""Every process that the product starts is told what it sees of the environment: the bot's secrets are not in it."""

from __future__ import annotations

import ast
from pathlib import Path

from ops.child_environment import child_environment

ROOT = Path(__file__).parents[3]
PRODUCT = ("core", "ops", "jobs", "commands", "bot")
STARTS = {
    "create_subprocess_exec", "create_subprocess_shell", "Popen", "run", "call", "check_call", "check_output",
    "getoutput", "getstatusoutput", "system", "popen", "posix_spawn", "posix_spawnp", "fork", "forkpty", "Process",
    "ProcessPoolExecutor", "execv", "execvp", "spawnv", "spawnl",
}  # fmt: skip
MODULES = {"subprocess", "asyncio", "os", "multiprocessing", "concurrent"}


def starts() -> dict[str, ast.Call]:
    """Return each place of the product that starts a process."""
    found = {}
    for file in (file for folder in PRODUCT for file in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)) if module in MODULES:
                    if name in STARTS and (module, name) != ("asyncio", "run"):
                        found[f"{file.relative_to(ROOT)}:{node.lineno}"] = node
    return found


def test_every_process_is_given_an_environment_of_its_own() -> None:
    places = starts()
    assert any("ops/notify/routes.py" in place for place in places), "the search finds nothing any more"
    bare = [
        place
        for place, call in places.items()
        if not any(
            keyword.arg == "env" and "child_environment(" in ast.unparse(keyword.value) for keyword in call.keywords
        )
    ]
    assert bare == []


def test_nothing_of_the_product_takes_these_functions_by_their_bare_names() -> None:
    bare = [
        str(file.relative_to(ROOT))
        for folder in PRODUCT
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").partition(".")[0] in MODULES
        and {name.name for name in node.names} & (STARTS - {"run"})
    ]
    assert bare == []


def test_a_child_sees_where_programs_and_proxies_are_and_nothing_that_it_was_not_given_by_name() -> None:
    bot = {
        "PATH": "/usr/bin", "LANG": "C.UTF-8", "https_proxy": "http://proxy:3128", "SSL_CERT_FILE": "/etc/ca.pem",
        "SLACK_BOT_TOKEN": "xoxb", "SHARPNET_TSIG": "key", "SHARPNET_RESTIC_PASSWORD": "pw", "DATABASE_URL": "db",
        "ANYTHING": "else", "HOME": "/root", "LD_PRELOAD": "x", "PYTHONPATH": "x", "path": "x",
    }  # fmt: skip
    assert child_environment(bot) == {
        "PATH": "/usr/bin", "LANG": "C.UTF-8", "https_proxy": "http://proxy:3128", "SSL_CERT_FILE": "/etc/ca.pem",
    }  # fmt: skip
