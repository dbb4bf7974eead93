"""A lab comes up whatever was there before, and leaves nothing behind."""

import re
import shutil
import socket
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from lab import Lab, LabError, network, processes
from lab.errors import HostNotReadyError, NotTheLabsError
from lab.running import first_process
from lab.small_fleet import SmallFleet, StartLab


def first_processes(lab: Lab) -> dict[str, processes.ProcessId | None]:
    return {host.name: first_process(lab.host(host.name).folder) for host in lab.status()}


def states(lab: Lab) -> set[str]:
    return {host.state for host in lab.status()}


def packet_filters() -> str:
    return subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_up_again_leaves_what_runs_alone(lab: Lab) -> None:
    before = first_processes(lab)
    lab.up()
    assert first_processes(lab) == before
    assert None not in before.values()


def test_up_again_mends_whatever_befell(lab: Lab) -> None:
    lab.drop("oslo")
    lab.freeze("ns1")
    lab.cut_off("lima")
    lab.slow("primary")
    lab.up()
    assert states(lab) == {"up"}


def test_up_again_keeps_what_was_changed(lab: Lab) -> None:
    page = lab.path_on("oslo", "/srv/oslo/www/ski.example/index.html")
    page.write_text("edited")
    lab.nsupdate("ski.example", ["update add new.ski.example. 300 A 192.0.2.1"])
    secret = lab.env["SHARPNET_TSIG"]
    lab.up()
    assert page.read_text() == "edited"
    assert lab.query("primary", "new.ski.example", "A") == ["192.0.2.1"]
    assert lab.env["SHARPNET_TSIG"] == secret


def test_down_leaves_no_file_address_filter_or_process(tmp_path: Path, small_fleet: SmallFleet) -> None:
    fleet_file = small_fleet(tmp_path)
    with Lab(fleet_file, tmp_path / ".lab" / "state") as lab:
        running = [process for process in first_processes(lab).values() if process]
        addresses = {address for host in lab.status() for address in host.addresses}
        lab.cut_off("oslo")
        assert addresses & network.present_addresses()
        assert lab.packet_filter in packet_filters()
    assert everything_below(tmp_path) == {"app.yaml"}
    assert not addresses & network.present_addresses()
    assert lab.packet_filter not in packet_filters()
    assert [process for process in running if processes.is_alive(process)] == []
    assert len(running) == 6


def test_down_twice_and_down_of_nothing_do_no_harm(lab: Lab, tmp_path: Path) -> None:
    lab.down()
    lab.down()
    Lab("", tmp_path / "never").down()
    assert everything_below(tmp_path) == {"app.yaml"}


def test_down_leaves_files_that_are_not_the_labs(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / ".lab" / "bot.log").write_text("somebody's")
    lab.down()
    assert everything_below(tmp_path) == {"app.yaml", ".lab", ".lab/bot.log"}


def test_a_lab_whose_process_was_killed_in_the_middle_comes_up(tmp_path: Path, small_fleet: SmallFleet) -> None:
    fleet_file = small_fleet(tmp_path)
    argv = [sys.executable, "-m", "lab", "up", str(fleet_file), "--state", str(tmp_path / ".lab")]
    half = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    first_host = 'until ls "$1"/hosts/*/init.json >/dev/null 2>&1; do sleep 0.01; done'
    subprocess.run(["timeout", "30", "sh", "-c", first_host, "sh", tmp_path / ".lab"], check=True)
    half.kill()
    half.wait()
    with Lab(fleet_file, tmp_path / ".lab") as lab:
        assert states(lab) == {"up"}
    assert everything_below(tmp_path) == {"app.yaml"}


def test_a_host_that_is_not_on_record_is_ended_by_down(lab: Lab) -> None:
    oslo = first_process(lab.host("oslo").folder)
    assert oslo is not None
    (lab.host("oslo").folder / "init.json").unlink()
    lab.down()
    assert not processes.is_alive(oslo)


def test_a_lost_folder_is_no_hindrance_to_coming_up_again(lab: Lab, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / ".lab")
    shutil.rmtree(tmp_path / "keys")
    lab.up()
    assert states(lab) == {"up"}


def test_a_changed_fleet_file_begins_afresh(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "app.yaml"
    before = first_processes(lab)
    file.write_text(file.read_text().replace("attic.example", "cellar.example"))
    lab.up()
    assert not set(before.values()) & set(first_processes(lab).values())
    assert lab.query("ns2", "cellar.example", "A") == [lab.host("oslo").addresses[0]]


def test_two_labs_run_side_by_side(tmp_path: Path, small_fleet: SmallFleet, start_lab: StartLab) -> None:
    one = start_lab(small_fleet(tmp_path / "one"))
    two = start_lab(small_fleet(tmp_path / "two"))
    one.cut_off("oslo")
    one.drop("ns1")
    assert states(two) == {"up"}
    two.down()
    assert [host.name for host in one.status() if host.state == "cut-off"] == ["oslo"]


def test_a_key_that_is_not_the_labs_is_never_overwritten(tmp_path: Path, small_fleet: SmallFleet) -> None:
    fleet_file = small_fleet(tmp_path)
    key = tmp_path / "keys" / "bot"
    key.parent.mkdir()
    key.write_text("the operator's own")
    with pytest.raises(NotTheLabsError, match="keys/bot is there"), Lab(fleet_file, tmp_path / ".lab"):
        pass
    assert key.read_text() == "the operator's own"


def test_a_daemon_that_does_not_start_is_named_with_its_log(tmp_path: Path, small_fleet: SmallFleet) -> None:
    fleet_file = small_fleet(tmp_path)
    address = re.search(r"ipv4: (\S+)", fleet_file.read_text())
    assert address is not None
    with subprocess.Popen([sys.executable, "-m", "http.server", "8080", "--bind", address[1]], stderr=-3) as holder:
        listening = f"until ss -ltn | grep -q {address[1]}:8080; do sleep 0.05; done"
        subprocess.run(["timeout", "20", "sh", "-c", listening], check=True)
        lab = Lab(fleet_file, tmp_path / ".lab")
        try:
            with pytest.raises(HostNotReadyError, match=r"nginx on oslo ended(.|\n)*Address already in use"):
                lab.up()
        finally:
            lab.down()
            holder.kill()


def test_paths_below_shared_folders_of_the_machine_are_the_servers_own(
    tmp_path: Path, small_fleet: SmallFleet, start_lab: StartLab
) -> None:
    def elsewhere(tree: dict[str, Any]) -> None:
        tree["servers"]["lima"]["peer"] = {"key": "/etc/sharpnet-lab/peer", "known_hosts": "/etc/sharpnet-lab/known"}
        tree["sites"]["ski.example"]["root"] = "/usr/share/sharpnet-lab/it's $here/{server}"
        tree["sites"]["fjord.example"]["root"] = "/never-seen/{server}/www"

    lab = start_lab(small_fleet(tmp_path, elsewhere))
    with urllib.request.urlopen(
        urllib.request.Request(f"http://{lab.host('oslo').addresses[0]}:8080/", headers={"Host": "ski.example"})
    ) as page:
        assert b"Welcome to ski.example" in page.read()
    assert lab.path_on("lima", "/etc/sharpnet-lab/peer").stat().st_mode & 0o777 == 0o600
    assert lab.path_on("oslo", "/never-seen/oslo/www/index.html").exists()
    assert not any(Path(path).exists() for path in ("/etc/sharpnet-lab", "/usr/share/sharpnet-lab", "/never-seen"))


def test_https_is_served_with_a_certificate_for_every_name(
    tmp_path: Path, small_fleet: SmallFleet, start_lab: StartLab
) -> None:
    def with_https(tree: dict[str, Any]) -> None:
        tree["servers"]["oslo"]["web"] = {"http": 8080, "https": 8443}

    lab = start_lab(small_fleet(tmp_path, with_https))
    trusted = ssl.create_default_context(cafile=lab.env["SSL_CERT_FILE"])
    for name in ("shop.fjord.example", "ceviche.example"):
        with (
            socket.create_connection((lab.host("oslo").addresses[0], 8443), timeout=10) as plain,
            trusted.wrap_socket(plain, server_hostname=name) as connection,
        ):
            connection.sendall(f"GET / HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
            assert b"X-Served-By: oslo" in connection.recv(4096)


def test_servers_and_name_servers_may_have_ipv6_addresses(
    tmp_path: Path, small_fleet: SmallFleet, start_lab: StartLab
) -> None:
    if network.why_not_addable("fd00:5::1"):
        pytest.fail("addresses outside 127/8 are for an isolated network: run this with `make test`")

    def with_ipv6(tree: dict[str, Any]) -> None:
        tree["servers"]["oslo"]["ipv6"] = "fd00:5::1"
        for number, name in enumerate(("ns1", "ns2", "ns3"), start=11):
            tree["dns"]["nameservers"][name]["address"] = f"fd00:5::{number}"
        tree["dns"]["update"][0]["address"] = "fd00:5::20"

    lab = start_lab(small_fleet(tmp_path, with_ipv6))
    for name in ("primary", "ns1", "ns2", "ns3"):
        assert lab.query(name, "www.fjord.example", "AAAA") == ["fd00:5::1"]
    lab.cut_off("ns2")
    with pytest.raises(LabError, match="ns2 does not answer"):
        lab.query("ns2", "www.fjord.example", "AAAA")
