"""The lab's command: `python -m lab VERB`, or `lab VERB` where the project is installed."""

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from lab import programs, real_content
from lab.demo import run_demo
from lab.errors import LabError
from lab.isolation import run_isolated
from lab.lab import Lab, read_records
from lab.running import HostStatus

_DEFAULT_STATE = Path(".lab/demo")
_HINT = {
    "drop": "connections are refused",
    "freeze": "it connects, and then says nothing",
    "cut-off": "it runs, and nobody hears of it",
    "slow": "it answers, but late",
}


def main(argv: list[str] | None = None) -> int:
    """Carry out one verb and give the exit status: 0 done, 1 not done, with the reason on stderr."""
    words = sys.argv[1:] if argv is None else argv
    options = _parser().parse_args(words)
    try:
        if options.verb not in {_demo, _content} and os.geteuid() != 0:
            _become_root(words, keep_environment=options.verb is _isolated)
        status: int = options.verb(options)
    except LabError as error:
        sys.stderr.write(f"lab: {error}\n")
        return 1
    return status


def _up(options: argparse.Namespace) -> int:
    state = options.state or options.fleet.parent / _DEFAULT_STATE
    records = read_records(options.records) if options.records else None
    lab = Lab(options.fleet, state, records=records, with_mail=not options.no_mail)
    lab.up()
    print(f"{len(lab.status())} hosts are up; what the bot needs in its environment is in {state / 'env'}")
    return 0


def _down(options: argparse.Namespace) -> int:
    state = options.state or _DEFAULT_STATE
    Lab("", state).down()
    print("nothing of the lab is left")
    return 0


def _status(options: argparse.Namespace) -> int:
    hosts = _opened(options).status()
    if options.json:
        print(json.dumps([dataclasses.asdict(host) for host in hosts], indent=1))
    else:
        _print_table(hosts)
    return 0


def _befall(verb: str) -> Callable[[argparse.Namespace], int]:
    def carry_out(options: argparse.Namespace) -> int:
        lab = _opened(options)
        getattr(lab, verb.replace("-", "_"))(options.host)
        print(f"{options.host}: {_HINT[verb]}; undo it with: lab back {options.host}")
        return 0

    return carry_out


def _back(options: argparse.Namespace) -> int:
    _opened(options).back(options.host)
    print(f"{options.host} is back")
    return 0


def _isolated(options: argparse.Namespace) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise LabError("there is no command to isolate", "lab isolated -- COMMAND…")
    return run_isolated(command)


def _demo(_options: argparse.Namespace) -> int:
    return run_demo()


def _content(_options: argparse.Namespace) -> int:
    print(f"the real content for tests is in {real_content.fetch()}")
    return 0


def _opened(options: argparse.Namespace) -> Lab:
    return Lab.opened(options.state or _DEFAULT_STATE)


def _print_table(hosts: list[HostStatus]) -> None:
    rows = [(host.name, host.state, host.software, f"{host.addresses[0]}:{host.port}", host.detail) for host in hosts]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="A fleet of real servers on this machine.")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")

    def add(name: str, does: str, verb: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=does, description=does)
        added.set_defaults(verb=verb)
        if verb not in {_isolated, _demo, _content}:
            added.add_argument(
                "--state", type=Path, metavar="DIR", help=f"the lab's folder ({_DEFAULT_STATE}, where none is given)"
            )
        return added

    up = add("up", "start every server of a fleet file, and wait until all serve", _up)
    up.add_argument("fleet", type=Path, metavar="FLEET.yaml")
    up.add_argument("--records", type=Path, metavar="FILE.yaml", help="more DNS records: a list of lines for each zone")
    up.add_argument("--no-mail", action="store_true", help="without mail servers, whatever the fleet file says")
    add("down", "end it all and remove what it made", _down)
    add("status", "say how each host is", _status).add_argument("--json", action="store_true")
    for name, does in _HINT.items():
        add(name, does, _befall(name)).add_argument("host", metavar="HOST")
    add("back", "undo whatever befell a host", _back).add_argument("host", metavar="HOST")
    add("demo", "the fleet of ./app.yaml, a local Slack and the bot, until Ctrl-C", _demo)
    add("content", "fetch the real content that some tests use, once", _content)
    isolated = add("isolated", "run a command with a network and processes of its own", _isolated)
    isolated.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    return parser


def _become_root(words: list[str], *, keep_environment: bool) -> None:
    sys.stderr.write("lab: namespaces and packet filters need root, going on with sudo\n")
    sys.stderr.flush()
    package = str(Path(__file__).parent.parent)
    # Files of root's in the source tree would be in the way later.
    kept = [f"PATH={os.environ.get('PATH', os.defpath)}", f"PYTHONPATH={package}", "PYTHONDONTWRITEBYTECODE=1"]
    options = ["--preserve-env"] if keep_environment else []
    argv = ["sudo", *options, "--", "env", *kept, sys.executable, "-m", "lab", *words]
    os.execv(programs.find("sudo"), argv)  # noqa: S606 -- a list, and no shell


if __name__ == "__main__":
    sys.exit(main())
