"""Each fault of the lab looks, from outside, as the real one does, and ends without a trace."""

import contextlib
import os
import signal
import socket
import subprocess

import dns.message
import pytest

from lab import Lab, LabError, faults
from lab.errors import UnknownHostError
from lab.running import daemon_pid


def banner(lab: Lab, server: str) -> str:
    port = {"oslo": 2222, "lima": 2022}[server]
    try:
        with socket.create_connection((lab.host(server).addresses[0], port), timeout=1) as connection:
            try:
                return connection.recv(4).decode()
            except TimeoutError:
                return "connected, then silent"
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "nothing at all"


def ssh(lab: Lab, server: str, command: str) -> str:
    config = lab.host(server).folder.parents[1] / "ssh_config"
    argv = ["ssh", "-F", str(config), "-o", "BatchMode=yes", server, command]
    return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False).stdout.strip()


def state(lab: Lab, name: str) -> str:
    return next(host.state for host in lab.status() if host.name == name)


@pytest.mark.parametrize(
    ("befall", "seen", "called"),
    [
        ("drop", "refused", "dropped"),
        ("freeze", "connected, then silent", "frozen"),
        ("cut_off", "nothing at all", "cut-off"),
    ],
)
def test_a_fault_is_seen_from_outside_for_what_it_is_until_the_host_is_back(
    lab: Lab, befall: str, seen: str, called: str
) -> None:
    getattr(lab, befall)("oslo")
    assert (banner(lab, "oslo"), state(lab, "oslo")) == (seen, called)
    assert (banner(lab, "lima"), state(lab, "lima")) == ("SSH-", "up")
    lab.back("oslo")
    assert (banner(lab, "oslo"), state(lab, "oslo")) == ("SSH-", "up")


@pytest.mark.parametrize("befall", ["drop", "freeze", "cut_off", "slow"])
@pytest.mark.parametrize("name", ["primary", "ns1", "ns2", "ns3"])
def test_a_name_server_answers_again_after_any_fault(shared_lab: Lab, name: str, befall: str) -> None:
    getattr(shared_lab, befall)(name)
    shared_lab.back(name)
    assert len(shared_lab.query(name, "ski.example", "SOA")) == 1


def test_on_a_lossy_line_some_packets_are_lost_both_ways_and_none_afterwards(shared_lab: Lab) -> None:
    with faults.lossy(shared_lab, 20) as lost:
        assert 0 < answered(shared_lab, "ns1", questions=200) < 190
        assert lost() > 10
    assert answered(shared_lab, "ns1", questions=50) == 50


def answered(lab: Lab, nameserver: str, *, questions: int) -> int:
    """Ask a name server so often, each time with one datagram, and count the answers."""
    where = lab.host(nameserver).dns
    assert where is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.connect((where.address, where.port))
        for number in range(questions):
            query = dns.message.make_query("ski.example", "SOA", id=number)
            asker.send(query.to_wire())
        asker.settimeout(1)
        heard = set()
        with contextlib.suppress(TimeoutError):
            while len(heard) < questions:
                heard.add(dns.message.from_wire(asker.recv(4096)).id)
        return len(heard)


def test_a_fault_twice_is_a_fault_once(lab: Lab) -> None:
    for befall in (lab.drop, lab.drop, lab.back, lab.cut_off, lab.cut_off, lab.back, lab.back):
        befall("oslo")
    assert banner(lab, "oslo") == "SSH-"


def test_back_undoes_several_faults_together(lab: Lab) -> None:
    lab.cut_off("oslo")
    lab.freeze("oslo")
    lab.drop("oslo")
    lab.back("oslo")
    assert (banner(lab, "oslo"), state(lab, "oslo")) == ("SSH-", "up")


def test_a_slow_host_stands_still_for_as_long_as_was_asked_and_then_answers(lab: Lab) -> None:
    lab.slow("oslo", pause_s=3.0, run_s=0.5)
    assert state(lab, "oslo") == "slow"
    assert "connected, then silent" in {banner(lab, "oslo") for _ in range(3)}
    lab.slow("oslo", pause_s=0.1, run_s=0.5)
    assert "SSH-" in {banner(lab, "oslo") for _ in range(20)}


def test_a_host_that_is_cut_off_reaches_nobody_even_from_the_address_of_the_machine(lab: Lab) -> None:
    there = lab.host("lima").addresses[0]
    listen = f"timeout 5 bash -c 'head -c 4 </dev/tcp/{there}/2022' >/srv/oslo/heard 2>/dev/null"
    wait = "until [ -e /srv/oslo/go ]; do sleep 0.1; done"
    twice = f"{listen}; mv /srv/oslo/heard /srv/oslo/before; {wait}; {listen}; echo yes >/srv/oslo/tried"
    ssh(lab, "oslo", f"({twice}) >/dev/null 2>&1 &")
    before = lab.path_on("oslo", "/srv/oslo/before")
    subprocess.run(["timeout", "20", "sh", "-c", 'until [ -e "$1" ]; do sleep 0.1; done', "sh", before], check=True)
    lab.cut_off("oslo")
    lab.path_on("oslo", "/srv/oslo/go").touch()
    tried = lab.path_on("oslo", "/srv/oslo/tried")
    subprocess.run(["timeout", "20", "sh", "-c", 'until [ -s "$1" ]; do sleep 0.1; done', "sh", tried], check=True)
    assert before.read_text() == "SSH-"
    assert lab.path_on("oslo", "/srv/oslo/heard").read_text() == ""


def test_a_datagram_to_a_host_that_is_cut_off_is_lost_without_an_error(lab: Lab) -> None:
    lab.cut_off("ns1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        assert sender.sendto(b"anyone?", (lab.host("ns1").addresses[0], 5300)) == 7


def test_a_killed_host_takes_its_live_sessions_along(lab: Lab) -> None:
    config = lab.host("oslo").folder.parents[1] / "ssh_config"
    session = subprocess.Popen(["ssh", "-F", config, "oslo", "echo on; sleep 60"], stdout=subprocess.PIPE, text=True)
    with session:
        assert session.stdout is not None
        assert session.stdout.readline() == "on\n"
        lab.drop("oslo")
        assert session.wait(timeout=20) == 255


def test_what_a_server_had_written_is_there_when_it_is_back(lab: Lab) -> None:
    ssh(lab, "oslo", "echo kept >/srv/oslo/www/ski.example/kept")
    lab.drop("oslo")
    lab.back("oslo")
    assert ssh(lab, "oslo", "cat /srv/oslo/www/ski.example/kept") == "kept"


def test_a_host_that_was_dropped_cannot_be_frozen(lab: Lab) -> None:
    lab.drop("oslo")
    with pytest.raises(LabError, match="oslo is down"):
        lab.freeze("oslo")


def test_an_unknown_host_is_refused_with_the_names_there_are(shared_lab: Lab) -> None:
    with pytest.raises(UnknownHostError, match="no rome") as refused:
        shared_lab.drop("rome")
    assert "oslo, lima, ns1, ns2, ns3" in refused.value.hint


def test_a_daemon_that_ended_by_itself_is_told_and_started_again(lab: Lab) -> None:
    end_daemon(lab, "oslo", "nginx")
    ended = next(host for host in lab.status() if host.name == "oslo")
    assert (ended.state, ended.detail) == ("failed", "nginx ended with -9")
    lab.back("oslo")
    assert state(lab, "oslo") == "up"


def end_daemon(lab: Lab, host: str, daemon: str) -> None:
    """Kill a daemon of the host, and wait until the host has noticed."""
    os.kill(daemon_pid(lab.host(host), daemon), signal.SIGKILL)
    status = lab.host(host).folder / "status.json"
    waiting = 'until grep -q -- "-9" "$1"; do sleep 0.05; done'
    subprocess.run(["timeout", "20", "sh", "-c", waiting, "sh", status], check=True)
