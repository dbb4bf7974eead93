"""The demo: the fleet of app.yaml on this machine's loopback, a local Slack with its page, and the bot in it.

Everything it makes lies in .lab/demo and in the store beside app.yaml; at the end all of it is gone, but for the logs.
"""

import contextlib
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from lab.errors import LabError, NotTheLabsError
from lab.slack import PROGRAM, LocalSlack

FLEET = Path("app.yaml")
STATE = Path(".lab/demo")
MARK = Path(".lab/demo-store")
STORE = Path("sharpnet.db")
# The last is what is noted beside the store: it would tell the next demo's store that it is another one.
STORE_FILES = (
    *(STORE.with_name(STORE.name + end) for end in ("", "-wal", "-shm")),
    STORE.with_name(f".{STORE.name}.known"),
)
FIRST_PORT, LAST_PORT = 3000, 3050
MAIL_SERVERS = (Path("/usr/lib/postfix/sbin/master"), Path("/usr/sbin/dovecot"))
END_S = 20.0
READY_S = 30.0
SHARPNET = Path(sys.executable).parent / "sharpnet"
LAB = Path(sys.executable).parent / "lab"


def run_demo() -> int:
    """Bring everything up, say what to open and what to type, and wait for Ctrl-C; then leave nothing running."""
    # SIGINT as well: a demo that a script put in the background would ignore it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: _interrupt())
    with contextlib.ExitStack() as stack:
        try:
            _play(stack)
        except KeyboardInterrupt:
            print("\nending the demo …", flush=True)
        except subprocess.CalledProcessError as error:
            raise LabError(f"this did not work: {' '.join(map(str, error.cmd))}", f"Its log is in {STATE}.") from error
    print("nothing of the demo is left running")
    return 0


def _play(stack: contextlib.ExitStack) -> None:
    began = time.monotonic()
    _refuse_a_store_of_others()
    print("starting the servers and name servers …", flush=True)
    stack.callback(_lab, "down")
    _lab("up", str(FLEET), *([] if has_mail() else ["--no-mail"]))
    # After the lab, which refuses a fleet of real servers: the store there may be that fleet's by now.
    stack.enter_context(_fresh_store())
    environment = {**os.environ, **_settings(STATE / "env")}
    slack = _local_slack(stack)
    if slack is not None:
        environment |= slack.env
    print("making the first copies …", flush=True)
    with (STATE / "first-sync.log").open("wb") as log:
        subprocess.run([SHARPNET, "sync", "--all"], check=True, env=environment, stdout=log, stderr=log)
    bot = _bot(stack, environment)
    if slack is not None:
        slack.wait_for_bot(timeout_s=READY_S)
    print(_what_to_do(slack, time.monotonic() - began), flush=True)
    bot.wait()
    raise LabError(f"the bot has ended by itself (exit {bot.returncode})", f"Its log: {STATE / 'bot.log'}")


def has_mail() -> bool:
    """Say whether the mail servers of a lab are installed here."""
    return all(map(Path.exists, MAIL_SERVERS))


@contextlib.contextmanager
def _fresh_store() -> Iterator[None]:
    """Give the demo a store of its own, and take it away again; somebody else's is left alone."""
    _refuse_a_store_of_others()
    MARK.parent.mkdir(exist_ok=True)
    MARK.touch()
    _remove_store()
    try:
        yield
    finally:
        _remove_store()
        MARK.unlink()


def _refuse_a_store_of_others() -> None:
    if STORE.exists() and not MARK.exists():
        raise NotTheLabsError(f"{STORE} is there already, and not of a demo", "Move it away, then try again.")


def _remove_store() -> None:
    # These and no others: somebody may keep a store of their own beside it, as sharpnet.db.old.
    for file in STORE_FILES:
        file.unlink(missing_ok=True)


def _lab(verb: str, *arguments: str) -> None:
    subprocess.run([LAB, verb, *arguments, "--state", STATE], check=True, stdout=subprocess.DEVNULL)


def _settings(file: Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _local_slack(stack: contextlib.ExitStack) -> LocalSlack | None:
    if not PROGRAM.exists():
        fits = (platform.system(), platform.machine()) == ("Linux", "x86_64")
        why = "is not installed" if fits else "exists for Linux on x86-64 only"
        print(f"the local Slack {why}: this demo runs in the terminal", flush=True)
        return None
    slack = LocalSlack.for_fleet(FLEET, STATE / "slack", port=_free_port())
    return stack.enter_context(slack)


def _free_port() -> int:
    for port in range(FIRST_PORT, LAST_PORT):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                trial.bind(("0.0.0.0", port))
                return port
    raise LabError(f"no free port from {FIRST_PORT} to {LAST_PORT} for the local Slack", "End what holds them.")


def _bot(stack: contextlib.ExitStack, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    log = stack.enter_context((STATE / "bot.log").open("wb"))
    # A group of its own: Ctrl-C reaches the demo, which then ends the bot in order.
    bot = subprocess.Popen(
        [SHARPNET, "run"],
        env=dict(environment),
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    stack.callback(_end, bot)
    return bot


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _interrupt() -> None:
    raise KeyboardInterrupt


def _what_to_do(slack: LocalSlack | None, seconds: float) -> str:
    tree: dict[str, Any] = YAML(typ="safe", pure=True).load(FLEET)
    server = next(iter(tree["servers"]))
    site = next(name for name, site in tree["sites"].items() if site["home"] == server)
    nameserver = next(iter(tree["dns"]["nameservers"].values()))
    ask = f"dig @{nameserver['address']} -p {nameserver['port']} +short {tree['sites'][site]['names'][0]}"
    counts = ((tree["servers"], "servers"), (tree["sites"], "sites"), (tree["dns"]["nameservers"], "name servers"))
    typed = [f"  .venv/bin/sharpnet {line}" for line in ("status", f"failover {server}", "approve ID")]
    seen = ["      The server dies. Within half a minute the bot knows it:", *typed]
    steps = [f"Ready in {seconds:.0f} s: {', '.join(f'{len(things)} {name}' for things, name in counts)}.", ""]
    if slack is not None:
        you, channel = next(iter(tree["slack"]["operators"])), tree["slack"]["ops_channel"]
        steps += [f"  Open    {slack.url}   (you are {you}, the channel is {channel})"]
        steps += ["  Type    /sharpnet status", ""]
        seen = [
            "      The server dies. Within half a minute the channel says so: press Prepare failover, read the plan,",
            "      press Approve, and watch the name servers turn.",
        ]
    steps += [
        "In a second terminal, in this folder:",
        f"  .venv/bin/lab drop {server}",
        *seen,
        f"  {ask}",
        "      asks the first name server; ask any of them.",
        f"  .venv/bin/lab back {server}",
        "      It comes back; nothing is overwritten.",
        "",
    ]
    if slack is not None:
        steps += ["The same without Slack:", *typed, ""]
    steps += [f"Logs are in {STATE}. Ctrl-C ends it all."]
    return "\n".join(steps)
