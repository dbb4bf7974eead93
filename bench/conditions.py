"""Where figures were taken: machine, system, versions, load. Without these a figure says nothing."""

import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.peers import SEARCHED

PACKAGES = ("slack-bolt", "APScheduler", "paramiko", "dnspython", "sqlite-utils")
VERSION_S = 10.0
# What the measurements run beside the product: how each says its version, and which Debian package brings it.
PROGRAMS = {
    "named": (["-v"], "bind9"),
    "nsd": (["-v"], "nsd"),
    "knotd": (["-V"], "knot"),
    "nginx": (["-v"], "nginx-light"),
    "nsupdate": (["-V"], "bind9-dnsutils"),
    "prometheus": (["--version"], "prometheus"),
    "prometheus-blackbox-exporter": (["--version"], "prometheus-blackbox-exporter"),
    "prometheus-alertmanager": (["--version"], "prometheus-alertmanager"),
    "monit": (["-V"], "monit"),
    "nagios4": (["-V"], "nagios4-core"),
    "check_http": (["-V"], "monitoring-plugins-basic"),
    "rclone": (["version"], "rclone"),
}


def conditions() -> list[str]:
    """Say under which conditions figures are taken now, a line each."""
    there, missing = [], []
    for program, (asking, package) in PROGRAMS.items():
        found = shutil.which(program, path=SEARCHED)
        if found is None:
            missing.append(f"{program} (Debian package {package})")
        else:
            there.append(f"{program} {_version(found, asking)}")
    one, five, fifteen = os.getloadavg()
    load = f"{one:.1f}, {five:.1f}, {fifteen:.1f} (1, 5, 15 minutes) before"
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Sharpnet {version('sharpnet')}{_commit()}",
        f"{os.cpu_count()} cores ({_processor()}), {_memory_bytes() / 1e9:.1f} GB, {platform.machine()}",
        f"{_system()}, kernel {platform.release()}, Python {platform.python_version()}",
        ", ".join(f"{package} {version(package)}" for package in PACKAGES),
        ", ".join(there) or "none of the lab's programs",
        f"load {load}",
        *([f"not on this machine: {', '.join(missing)}"] if missing else []),
    ]


def _version(program: str, asking: list[str]) -> str:
    said = subprocess.run([program, *asking], capture_output=True, text=True, timeout=VERSION_S, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr)
    return found[0] if found else "of an unknown version"


def _commit() -> str:
    asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=VERSION_S, check=False)
    except FileNotFoundError:
        return ""
    return f" at {done.stdout.strip()}" if done.returncode == 0 else ""


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "processor not named"


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
