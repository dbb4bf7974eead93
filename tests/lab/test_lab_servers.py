"""What a web server of the lab is, seen from the bot, from its visitors and from the other servers."""

import http.client
import shlex
import subprocess
from pathlib import Path

import pytest

from lab import Lab


def ssh(lab: Lab, server: str, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    config = lab.host(server).folder.parents[1] / "ssh_config"
    argv = ["ssh", "-F", str(config), "-o", "BatchMode=yes", *options, server, command]
    return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)


def get(lab: Lab, server: str, name: str, path: str = "/") -> http.client.HTTPResponse:
    port = {"oslo": 8080, "lima": 8081}[server]
    connection = http.client.HTTPConnection(lab.host(server).addresses[0], port, timeout=10)
    connection.request("GET", path, headers={"Host": name, "Connection": "close"})
    return connection.getresponse()


def files_under(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def copy(lab: Lab, source: str, target: str, what: str, to: str) -> subprocess.CompletedProcess[str]:
    user, port = {"oslo": ("web", 2222), "lima": ("deploy", 2022)}[source]
    shell = (
        f"ssh -p {port} -i /srv/{target}/keys/peer -o UserKnownHostsFile=/srv/{target}/keys/known_hosts "
        "-o StrictHostKeyChecking=yes -o BatchMode=yes"
    )
    address = lab.host(source).addresses[0]
    return ssh(lab, target, f"rsync -a -e {shlex.quote(shell)} {user}@{address}:{shlex.quote(what)} {shlex.quote(to)}")


@pytest.mark.parametrize(("server", "user"), [("oslo", "web"), ("lima", "deploy")])
def test_the_bot_logs_in_as_the_user_that_the_fleet_file_names(shared_lab: Lab, server: str, user: str) -> None:
    assert ssh(shared_lab, server, "id -un; hostname").stdout.split() == [user, server]


def test_the_user_of_a_server_does_not_exist_on_this_machine(shared_lab: Lab) -> None:
    assert "web:" in shared_lab.path_on("oslo", "/etc/passwd").read_text()
    assert not any(line.startswith("web:") for line in Path("/etc/passwd").read_text().splitlines())


def test_a_login_without_the_key_is_refused(shared_lab: Lab) -> None:
    refused = ssh(shared_lab, "oslo", "true", "-o", "IdentityFile=/dev/null", "-o", "PreferredAuthentications=password")
    assert refused.returncode == 255
    assert "Permission denied (publickey)" in refused.stderr


def test_paths_of_the_fleet_file_are_true_on_the_server_and_leave_the_machine_alone(shared_lab: Lab) -> None:
    assert ssh(shared_lab, "oslo", "ls -A /srv/oslo").stdout.split() == ["keys", "status", "www"]
    assert not Path("/srv/oslo").exists()


def test_a_file_written_on_the_server_is_seen_from_outside_at_once(shared_lab: Lab) -> None:
    ssh(shared_lab, "lima", "echo here >/srv/lima/www/ski.example/new")
    assert shared_lab.path_on("lima", "/srv/lima/www/ski.example/new").read_text() == "here\n"


def test_a_server_sees_no_process_but_its_own(shared_lab: Lab) -> None:
    commands = ssh(shared_lab, "oslo", "cat /proc/[0-9]*/comm").stdout.split()
    assert commands.count("nginx") == 2
    assert "named" not in commands


@pytest.mark.parametrize("name", ["fjord.example", "www.fjord.example", "shop.fjord.example"])
def test_a_site_answers_at_home_by_each_of_its_names(shared_lab: Lab, name: str) -> None:
    answer = get(shared_lab, "oslo", name)
    assert (answer.status, answer.getheader("X-Served-By")) == (200, "oslo")
    assert b"Welcome to fjord.example" in answer.read()


def test_a_name_that_no_site_has_is_not_found(shared_lab: Lab) -> None:
    assert get(shared_lab, "oslo", "nobody.example").status == 404


def test_a_site_without_a_mirror_is_unknown_on_the_other_server(shared_lab: Lab) -> None:
    assert get(shared_lab, "lima", "attic.example").status == 404


def test_the_status_page_is_served_under_the_address_of_its_url(shared_lab: Lab) -> None:
    shared_lab.path_on("oslo", "/srv/oslo/status/index.html").write_text("all is well")
    assert get(shared_lab, "oslo", f"{shared_lab.host('oslo').addresses[0]}:8080").read() == b"all is well"


def test_a_site_has_awkward_file_names_at_home_and_nothing_on_its_mirror(shared_lab: Lab) -> None:
    at_home = files_under(shared_lab.path_on("oslo", "/srv/oslo/www/attic.example"))
    assert {"two\nlines.txt", "it's.txt", 'say "hello".txt', "-rf", "$HOME `id` $(id).txt"} < set(at_home)
    assert list(shared_lab.path_on("oslo", "/srv/oslo/www/ceviche.example").iterdir()) == []


def test_private_keys_are_readable_by_their_owners_only(shared_lab: Lab) -> None:
    peer = shared_lab.path_on("oslo", "/srv/oslo/keys/peer")
    bot = shared_lab.host("oslo").folder.parents[2] / "keys" / "bot"
    assert [file.stat().st_mode & 0o777 for file in (peer, bot)] == [0o600, 0o600]
    assert peer.stat().st_uid == shared_lab.path_on("oslo", "/srv/oslo/www").stat().st_uid != 0


def test_a_server_copies_a_site_through_a_limited_key_with_every_file_alike(shared_lab: Lab) -> None:
    done = copy(shared_lab, "oslo", "lima", "fjord.example/", "/srv/lima/www/fjord.example")
    assert done.stderr == ""
    source = files_under(shared_lab.path_on("oslo", "/srv/oslo/www/fjord.example"))
    assert files_under(shared_lab.path_on("lima", "/srv/lima/www/fjord.example")) == source
    assert len(source) > 20


def test_a_limited_key_reads_nothing_outside_its_folder(shared_lab: Lab) -> None:
    refused = copy(shared_lab, "oslo", "lima", "/srv/oslo/keys/", "/srv/lima/stolen")
    assert refused.returncode != 0
    assert not shared_lab.path_on("lima", "/srv/lima/stolen/peer").exists()


def test_a_limited_key_runs_no_command(shared_lab: Lab) -> None:
    address = shared_lab.host("oslo").addresses[0]
    key = "-i /srv/lima/keys/peer -o UserKnownHostsFile=/srv/lima/keys/known_hosts -o BatchMode=yes"
    assert "uid=" not in ssh(shared_lab, "lima", f"ssh -p 2222 {key} web@{address} id").stdout


def test_an_unlimited_key_reads_absolute_paths(shared_lab: Lab) -> None:
    done = copy(shared_lab, "lima", "oslo", "/srv/lima/www/ceviche.example/", "/srv/oslo/copied")
    assert done.stderr == ""
    assert shared_lab.path_on("oslo", "/srv/oslo/copied/index.html").exists()


def test_a_server_is_a_vantage_point_on_the_others(shared_lab: Lab) -> None:
    there = shared_lab.host("lima").addresses[0]
    assert ssh(shared_lab, "oslo", f"head -c 4 </dev/tcp/{there}/2022").stdout == "SSH-"
