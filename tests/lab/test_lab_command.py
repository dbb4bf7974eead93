"""The lab's command, as a person types it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import Lab
from lab.small_fleet import SmallFleet


def lab_command(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "lab", *map(str, words)]
    source = str(Path(__file__).parents[2])
    environ = {**os.environ, "PYTHONPATH": source}
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, cwd=cwd, env=environ)


def test_the_whole_story_in_the_folder_of_the_fleet_file(tmp_path: Path, small_fleet: SmallFleet) -> None:
    small_fleet(tmp_path)
    try:
        assert lab_command("up", "app.yaml", cwd=tmp_path).stdout.startswith("6 hosts are up")
        assert lab_command("drop", "oslo", cwd=tmp_path).stdout == (
            "oslo: connections are refused; undo it with: lab back oslo\n"
        )
        told = json.loads(lab_command("status", "--json", cwd=tmp_path).stdout)
        assert {host["name"]: host["state"] for host in told}["oslo"] == "dropped"
        assert lab_command("back", "oslo", cwd=tmp_path).stdout == "oslo is back\n"
        assert "oslo     up" in lab_command("status", cwd=tmp_path).stdout
    finally:
        down = lab_command("down", cwd=tmp_path)
    assert (down.returncode, down.stdout) == (0, "nothing of the lab is left\n")
    assert [path.name for path in tmp_path.iterdir()] == ["app.yaml"]


def test_the_environment_file_is_for_its_owner_only_and_a_shell_can_read_it(shared_lab: Lab) -> None:
    env = shared_lab.host("oslo").folder.parents[1] / "env"
    said = subprocess.run(["sh", "-c", f'set -a; . "{env}"; printenv SHARPNET_TSIG'], capture_output=True, check=True)
    assert said.stdout.decode().strip() == shared_lab.env["SHARPNET_TSIG"]
    assert env.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("verb", ["status", "drop oslo", "back oslo"])
def test_a_verb_without_a_lab_says_what_to_do(tmp_path: Path, verb: str) -> None:
    refused = lab_command(*verb.split(), "--state", tmp_path / "none")
    assert refused.returncode == 1
    assert "no lab is up" in refused.stderr
    assert "lab up FLEET.yaml" in refused.stderr


def test_a_fleet_file_that_lacks_something_is_refused_by_its_place(tmp_path: Path, small_fleet: SmallFleet) -> None:
    def without_user(tree: dict[str, dict[str, dict[str, dict[str, object]]]]) -> None:
        del tree["servers"]["lima"]["ssh"]["user"]

    refused = lab_command("up", small_fleet(tmp_path, without_user))
    assert refused.returncode == 1
    assert "app.yaml: servers.lima: ssh lacks user" in refused.stderr


def test_more_records_can_come_from_a_side_file(tmp_path: Path, small_fleet: SmallFleet) -> None:
    fleet_file, side = small_fleet(tmp_path), tmp_path / "more.yaml"
    side.write_text("ski.example: ['ftp 300 A 192.0.2.8']\n")
    try:
        assert lab_command("up", fleet_file, "--records", side).returncode == 0
        assert Lab.opened(tmp_path / ".lab" / "demo").query("ns3", "ftp.ski.example", "A") == ["192.0.2.8"]
    finally:
        lab_command("down", "--state", tmp_path / ".lab" / "demo")


def test_an_isolated_command_has_a_loopback_and_nothing_else() -> None:
    seen = lab_command("isolated", "--", "ip", "-brief", "address").stdout.split("\n")
    up = [line for line in seen if line and "DOWN" not in line]
    assert [line.split()[0] for line in up] == ["lo"]


def test_an_isolated_command_gives_its_own_exit_status() -> None:
    assert lab_command("isolated", "--", "sh", "-c", "exit 7").returncode == 7
    assert lab_command("isolated", "--", "sh", "-c", "kill -9 $$").returncode == 128 + signal.SIGKILL
    assert lab_command("isolated", "--", "no-such-program").returncode == 127


def test_what_an_isolated_command_leaves_running_ends_with_it(tmp_path: Path) -> None:
    lasting = f"setsid sh -c 'echo $$ >{tmp_path}/inner; exec sleep 1000' & sleep 0.5; grep NSpid /proc/self/status"
    assert lab_command("isolated", "--", "sh", "-c", lasting).returncode == 0
    assert not any(is_sleep_1000(entry) for entry in Path("/proc").iterdir())
    assert (tmp_path / "inner").exists()


def is_sleep_1000(entry: Path) -> bool:
    try:
        return entry.name.isdigit() and (entry / "cmdline").read_bytes() == b"sleep\x001000\x00"
    except OSError:
        return False


def test_ending_the_isolating_process_ends_the_command(tmp_path: Path) -> None:
    script = f"echo up >{tmp_path}/up; sleep 1001"
    argv = [sys.executable, "-m", "lab", "isolated", "--", "sh", "-c", script]
    with subprocess.Popen(argv) as isolating:
        subprocess.run(["sh", "-c", f"until [ -s {tmp_path}/up ]; do sleep 0.05; done"], check=True, timeout=30)
        isolating.kill()
    left = "until ! grep -lzxs 1001 /proc/[0-9]*/cmdline >/dev/null; do sleep 0.05; done"
    subprocess.run(["sh", "-c", left], check=True, timeout=30)
