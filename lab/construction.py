"""Builds the hosts of one fleet and takes them down again; what is done to the machine is on record first."""

import functools
import glob
import itertools
from collections.abc import Sequence
from pathlib import Path

from lab import network, processes, programs, readiness, running, ssh, tls
from lab.errors import LabError, UnknownHostError
from lab.fleet import FleetSpec, ServerSpec
from lab.hosts import Furnisher, Host, address_needed, hosts_of
from lab.init import DaemonSpec
from lab.state import MachineChanges, StateFolder, give_back

_READY_S = 60.0
_ZONES_S = 5.0
_FAKETIME = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1")


class Construction:
    """A fleet in a lab's folder: its hosts, and what has been done to the machine for their sake."""

    def __init__(self, fleet: FleetSpec, state: StateFolder, record: MachineChanges) -> None:
        self.fleet = fleet = fleet if record.with_mail else fleet.without_mail
        self._state = state
        self._record = record
        self.secrets, self.environment = state.secrets(fleet)
        self.hosts = hosts_of(fleet, state.hosts, self.secrets)
        self._has_certificates = any(server.has_certificate for server in fleet.servers.values())
        if self._has_certificates:
            self.environment["SSL_CERT_FILE"] = str(tls.bundle_of(state.authority))
        self._furnisher = Furnisher(fleet, self.hosts, self.secrets, record.records, record.with_php)

    def host(self, name: str) -> Host:
        """Give a host by its name; `primary` is the first update server, whatever else it is called."""
        if name == "primary" and name not in self.hosts:
            return next(iter(self.hosts.values()))
        if name not in self.hosts:
            raise UnknownHostError(f"there is no {name} in this lab", f"It has {', '.join(self.hosts)}.")
        return self.hosts[name]

    def is_cut_off(self, host: Host) -> bool:
        """Say whether no packet reaches the host."""
        return host.name in self._record.cut

    def reread(self) -> None:
        """Take in what another command has written meanwhile."""
        self._record = self._state.record() or self._record

    def set_cut_off(self, host: Host, *, cut_off: bool) -> None:
        """Cut a host off, or connect it again."""
        if cut_off != self.is_cut_off(host):
            (self._record.cut.append if cut_off else self._record.cut.remove)(host.name)
            self._state.keep(self._record)
            self._filter()

    def raise_all(self) -> None:
        """Make every host ready, start those that do not run as usual, and wait until all serve."""
        self._record.cut.clear()
        self._filter()
        self._add_addresses()
        self._state.write_env(self.environment)
        self._furnish()
        primaries = [host for host in self.hosts.values() if host.kind == "primary"]
        others = [host for host in self.hosts.values() if host.kind != "primary"]
        for hosts in (primaries, others):
            self.start([host for host in hosts if running.status_of(host, cut_off=False).state != "up"])
            self.wait(hosts)

    def start(self, hosts: Sequence[Host], faketime: str = "") -> None:
        """Start hosts side by side, killing what is left of them."""
        starters = []
        for host in hosts:
            running.stop(host.folder)
            self._furnisher.furnish_root(host)
            daemons = [_at_other_time(daemon, faketime) for daemon in self._furnisher.daemons(host)]
            own = self._furnisher.needed_paths(host)
            starters.append(running.start(host, own, daemons, str(self._state.path)))
        for host, starter in zip(hosts, starters, strict=True):
            running.started(host, starter)

    def wait(self, hosts: Sequence[Host]) -> None:
        """Wait until hosts serve, name servers all their zones."""
        for host in hosts:
            if not self._comes_up(host, self.fleet.zones, _READY_S):
                raise running.not_ready(host)

    def wait_alone(self, host: Host) -> None:
        """Wait until a host serves; a name server need but answer, where nobody gives it its zones."""
        if not self._comes_up(host, self.fleet.zones, _ZONES_S) and not self._comes_up(host, (), _READY_S):
            raise running.not_ready(host)

    def _comes_up(self, host: Host, zones: Sequence[str], within_s: float) -> bool:
        probes = self._furnisher.probes(host)
        if host.dns:
            probes.append(readiness.anything_answered(host.dns))
            probes += [readiness.zone_served(host.dns, zone) for zone in zones]
        return readiness.wait_until(probes, within_s, functools.partial(running.raise_if_failed, host))

    def _add_addresses(self) -> None:
        present = network.present_addresses()
        needed = dict.fromkeys(itertools.chain.from_iterable(map(address_needed, self.hosts.values())))
        missing = [address for address in needed if address not in present]
        self._record.addresses += [address for address in missing if address not in self._record.addresses]
        self._state.keep(self._record)
        network.add_addresses(missing)

    def _furnish(self) -> None:
        if self._has_certificates:
            tls.make_authority(self._state.authority)
        self._write_secret_files()
        keys = {server.name: self._bot_key(server.key) for server in self._logins()}
        self._furnisher.furnish_servers(keys, self._state.authority, with_content=not self._record.seeded)
        self._write_known_hosts()
        self._state.write_ssh_config(ssh.client_config(self._logins()))
        self._record.seeded = True
        self._state.keep(self._record)

    def _logins(self) -> list[ServerSpec]:
        """List every host that the bot logs in to."""
        return [host.server for host in self.hosts.values() if host.server]

    def _bot_key(self, path: Path) -> str:
        for file in (path, ssh.public_half(path)):
            self._state.claim(self._record, file)
        line = ssh.make_key(path, "bot")
        for file in (path, ssh.public_half(path)):
            give_back(file)
        return line

    def _write_secret_files(self) -> None:
        for place, secret in self.secrets.by_place.items():
            if place.startswith("file:"):
                file = self.fleet.beside(place.removeprefix("file:"))
                self._state.claim(self._record, file)
                programs.write(file, secret + "\n")
                give_back(file)

    def _write_known_hosts(self) -> None:
        pins: dict[Path, str] = {}
        for server in self._logins():
            pin = ssh.known_host(server, self.hosts[server.name].folder)
            pins[server.known_hosts] = pins.get(server.known_hosts, "") + pin
        for file, text in pins.items():
            self._state.claim(self._record, file)
            programs.write(file, text, 0o644)
            give_back(file)

    def _filter(self) -> None:
        hosts = [self.hosts[name] for name in self._record.cut]
        addresses = [address for host in hosts for address in host.addresses]
        uids = [ssh.uid_of(host.server) for host in hosts if host.server]
        network.cut_off(self._state.packet_filter, addresses, uids)


def tear_down(state: StateFolder, record: MachineChanges | None) -> None:
    """Undo what is on record, and end what runs without being on record; what is done twice does no harm."""
    for folder in state.hosts.iterdir() if state.hosts.is_dir() else ():
        running.stop(folder)
    for stray in processes.marked(str(state.path)):
        processes.kill(stray)
    if record is None or record.network == network.namespace():
        network.cut_off(state.packet_filter, (), ())
        network.lose(state.packet_filter, (), 0)
        network.remove_addresses(record.addresses if record else ())
    if record is not None:
        state.forget(record)


def _at_other_time(daemon: DaemonSpec, faketime: str) -> DaemonSpec:
    if not faketime:
        return daemon
    libraries = list(itertools.chain.from_iterable(map(glob.glob, _FAKETIME)))
    if not libraries:
        raise LabError("libfaketime is not installed", "Run lab/install-debian.sh: it installs all that the lab needs.")
    # BIND brings jemalloc, which asks for the time before libfaketime can give it, for ever; with the C library named
    # ahead of it, its malloc is not used.
    preload = f"{libraries[0]} libc.so.6"
    environ = {"LD_PRELOAD": preload, "FAKETIME": faketime, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return {**daemon, "environ": {**daemon["environ"], **environ}}
