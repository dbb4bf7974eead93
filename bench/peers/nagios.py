"""Nagios with the plugin check_http: a process a look."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.peers import CONTAINS, SEARCHED, TIMEOUT_S, Task, Watcher, teller
from bench.processes import running

ALWAYS = "always"
OPTIONS = ("u", "d", "r")


@contextlib.contextmanager
def _run(folder: Path, task: Task) -> Iterator[list[int]]:
    folder.mkdir(parents=True)
    (folder / "results").mkdir()
    (folder / "objects.cfg").write_text("\n".join(_objects(folder, task)) + "\n", encoding="utf-8")
    (folder / "nagios.cfg").write_text(_settings(folder), encoding="utf-8")
    with running(["nagios4", str(folder / "nagios.cfg")], folder) as pid:
        yield [pid]


def _settings(folder: Path) -> str:
    """Return the main settings: intervals are in seconds, and all that helps large installations is on."""
    files = {"log_file": "log", "object_cache_file": "cache", "status_file": "status", "temp_file": "temporary"}
    files |= {"state_retention_file": "retained", "lock_file": "lock", "query_socket": "query"}
    settings = {
        "cfg_file": str(folder / "objects.cfg"),
        **{name: str(folder / file) for name, file in files.items()},
        "temp_path": str(folder),
        "check_result_path": str(folder / "results"),
        "nagios_user": "root",
        "nagios_group": "root",
        "interval_length": "1",
        "use_large_installation_tweaks": "1",
        "max_service_check_spread": "1",
        "check_external_commands": "0",
        "check_for_updates": "0",
        "log_rotation_method": "n",
        "use_syslog": "0",
        "retain_state_information": "0",
        "execute_host_checks": "0",
        "service_check_timeout": "60",
        "illegal_object_name_chars": "`~!$%^&*|'\"<>?,()=",
    }
    return "".join(f"{name}={setting}\n" for name, setting in settings.items())


def _objects(folder: Path, task: Task) -> Iterator[str]:
    plugin = shutil.which("check_http", path=SEARCHED) or "check_http"
    look = f"{plugin} -I $HOSTADDRESS$ -H $HOSTNAME$ -p $ARG1$ -s {CONTAINS} -t {TIMEOUT_S}"
    tell = teller(folder, task.told) if task.told else Path("/bin/true")
    yield _object("command", {"command_name": "look", "command_line": look + (" -S --sni" if task.authority else "")})
    yield _object("command", {"command_name": "tell", "command_line": f"{tell} $HOSTNAME$"})
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    yield _object("timeperiod", {"timeperiod_name": ALWAYS, "alias": ALWAYS, **dict.fromkeys(days, "00:00-24:00")})
    kinds = {"host": ",".join(OPTIONS), "service": "w,c,u,r"}
    notices = {}
    for kind, options in kinds.items():
        notices[f"{kind}_notification_period"] = ALWAYS
        notices[f"{kind}_notification_options"] = options
        notices[f"{kind}_notification_commands"] = "tell"
    yield _object("contact", {"contact_name": "people", **notices})
    common = {"max_check_attempts": "1", "check_period": ALWAYS, "notification_period": ALWAYS, "contacts": "people"}
    common |= {"notification_interval": "0"}
    for target in task.targets:
        yield _object("host", {"host_name": target.name, "address": target.address, **common})
        service = {"host_name": target.name, "service_description": "web", "check_command": f"look!{target.port}"}
        service |= {"check_interval": str(task.every_s), "retry_interval": str(task.every_s)}
        yield _object("service", {**service, **common})


def _object(kind: str, directives: Mapping[str, str]) -> str:
    lines = (f"  {name} {directive}" for name, directive in directives.items())
    return "\n".join([f"define {kind} {{", *lines, "}"])


NAGIOS = Watcher("Nagios + check_http", ("nagios4", "check_http"), _run)
