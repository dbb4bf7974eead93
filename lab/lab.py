"""A fleet of real servers, as a fleet file names them: up, down, and everything that can befall them in between."""

import contextlib
import types
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

from ruamel.yaml import YAML

from lab import databases, network, programs, readiness, running
from lab.construction import Construction, tear_down
from lab.errors import LabError
from lab.fleet import EndpointSpec, FleetSpec
from lab.fleet_reading import read_fleet
from lab.hosts import Host, Secrets
from lab.root_folder import on_host
from lab.running import HostStatus
from lab.state import MachineChanges, StateFolder, check_root, make_folders
from lab.zones import ExtraRecords

_ANSWER_S = 5.0


class Lab:
    """One lab: a fleet file, and a folder for all that belongs to it.

    `with Lab(...) as lab:` brings it up, and down again however the block ends. Several labs run side by side where
    their fleets have different addresses. `records` are more DNS records a zone, as lines of a zone file. `with_php`
    names the sites that PHP is run for. Without `with_mail` no server has mail, whatever the file says.
    """

    def __init__(
        self,
        fleet_file: Path | str,
        state_dir: Path | str,
        *,
        records: ExtraRecords | None = None,
        with_php: Sequence[str] = (),
        with_mail: bool = True,
    ) -> None:
        self._file = Path(fleet_file).absolute()
        self._state = StateFolder(Path(state_dir))
        self._records = {zone: list(lines) for zone, lines in (records or {}).items()}
        self._with_php = list(with_php)
        self._with_mail = with_mail
        self._built: Construction | None = None

    @classmethod
    def opened(cls, state_dir: Path | str) -> Self:
        """Give the lab that was brought up with this folder; LabError where there is none."""
        record = StateFolder(Path(state_dir)).record()
        if record is None:
            raise _not_up(Path(state_dir))
        with_php, with_mail = record.with_php, record.with_mail
        return cls(record.fleet_file, state_dir, records=record.records, with_php=with_php, with_mail=with_mail)

    def __enter__(self) -> Self:
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.down()

    def up(self) -> None:
        """Have every host of the fleet run and serve, whatever ran before; a changed fleet file begins afresh."""
        check_root()
        fleet = read_fleet(self._file)
        made = make_folders(self._state.path)
        with self._state.locked():
            record = self._state.record()
            if record is None or not self._continues(record):
                tear_down(self._state, record)
                self._state.path.mkdir(exist_ok=True)
                folders = sorted({*made, *(record.folders if record else [])})
                record = MachineChanges(str(self._file), network.namespace(), self._records, folders=folders)
                record.with_php, record.with_mail = self._with_php, self._with_mail
                self._state.keep(record)
                self._state.fleet_copy.write_bytes(self._file.read_bytes())
            self._built = Construction(fleet, self._state, record)
            self._built.raise_all()

    def down(self) -> None:
        """Undo all of it: processes, addresses, packet filter, keys and folders; fine where nothing is up."""
        check_root()
        if self._state.path.is_dir():
            with self._state.locked():
                tear_down(self._state, self._state.record())
        self._built = None

    def status(self) -> list[HostStatus]:
        """Say how each host is, update servers first."""
        built = self._construction()
        return [running.status_of(host, cut_off=built.is_cut_off(host)) for host in built.hosts.values()]

    def drop(self, name: str) -> None:
        """Kill a host with all that runs on it: connections are refused."""
        with self._changing() as built:
            running.stop(built.host(name).folder)

    def freeze(self, name: str) -> None:
        """Stop every process of a host: it still connects, and then says nothing."""
        with self._changing() as built:
            running.order(built.host(name), "frozen")

    def slow(self, name: str, *, pause_s: float = 0.4, run_s: float = 0.1) -> None:
        """Let a host run for `run_s` and stand for `pause_s`, and so on."""
        with self._changing() as built:
            running.order(built.host(name), "slow", pause_s, run_s)

    def cut_off(self, name: str) -> None:
        """Let no packet to a host or from it: it runs, and nobody hears of it."""
        with self._changing() as built:
            built.set_cut_off(built.host(name), cut_off=True)

    def back(self, name: str) -> None:
        """Undo whatever befell a host, and wait until it serves."""
        with self._changing() as built:
            host = built.host(name)
            built.set_cut_off(host, cut_off=False)
            state = running.status_of(host, cut_off=False).state
            if state in {"frozen", "slow"}:
                running.order(host, "run")
            if state in {"dropped", "failed"}:
                built.start([host])
            built.wait_alone(host)

    def restart_host(self, name: str, faketime: str = "") -> None:
        """Start a host anew; with `faketime` ("+20m", "-3d") its daemons' clock is off by that."""
        with self._changing() as built:
            host = built.host(name)
            built.start([host], faketime)
            built.wait_alone(host)

    @property
    def env(self) -> dict[str, str]:
        """What the bot needs in its environment; the file `env` in the lab's folder says the same."""
        return dict(self._construction().environment)

    @property
    def fleet(self) -> FleetSpec:
        """What the lab has read from the fleet file."""
        return self._construction().fleet

    @property
    def secrets(self) -> Secrets:
        """All secrets of the lab."""
        return self._construction().secrets

    def secret(self, place: str) -> str:
        """Give a secret by the place that the fleet file gives for it (env:NAME or file:PATH)."""
        return self._construction().secrets.by_place[place]

    def host(self, name: str) -> Host:
        """Give a host by its name; `primary` is the first update server, whatever else it is called."""
        return self._construction().host(name)

    def hosts(self) -> list[Host]:
        """List every host, update servers first."""
        return list(self._construction().hosts.values())

    @property
    def authority(self) -> Path:
        """Say where the certificate authority is that signs for the fleet's names, where it has HTTPS."""
        return self._state.authority

    @property
    def packet_filter(self) -> str:
        """Name the packet filter's table that is there while a host of this lab is cut off."""
        return self._state.packet_filter

    def path_on(self, name: str, path: str) -> Path:
        """Say where on this machine the host has what it calls `path`."""
        return on_host(self.host(name).folder, path)

    def sql(self, name: str, engine: str, database: str, statement: str) -> str:
        """Have SQL carried out on a host, as one who may do everything, and give what it prints: rows, with tabs.

        `engine` is "mariadb" or "postgresql". A database that the fleet file does not name is looked for in the first
        server of that engine; "" is no database at all.
        """
        host = self.host(name)
        state = running.status_of(host, cut_off=False)
        first = running.first_process(host.folder)
        served = [one for one in host.databases if one.engine == engine]
        if not served or first is None or state.state != "up":
            raise LabError(f"{name} has no {engine} that runs", f"It is {state.state}, with {state.software}.")
        asked = next((one for one in served if database in one.databases), served[0])
        return databases.ask(asked, first.pid, database, statement)

    def nsupdate(self, zone: str, commands: Iterable[str], at: str = "primary") -> None:
        """Change a zone as by hand, with a key that is not the bot's.

        Commands are those of nsupdate(1), such as "update add ftp.garden.example. 300 A 127.10.0.1".
        """
        key, where = self._construction().secrets.admin, self._dns(at)
        lines = [f"server {where.address} {where.port}", f"key {key.algorithm}:{key.name} {key.secret}", f"zone {zone}"]
        programs.run(["nsupdate"], "\n".join([*lines, *commands, "send"]) + "\n")

    def query(self, nameserver: str, name: str, kind: str) -> list[str]:
        """Ask one name server, and give the values of its answer, sorted; LabError where it does not answer."""
        answer = readiness.ask(self._dns(nameserver), name, kind, timeout_s=_ANSWER_S)
        if answer is None:
            raise LabError(f"{nameserver} does not answer for {name} {kind}")
        return sorted(str(value) for values in answer.answer for value in values)

    def _dns(self, name: str) -> EndpointSpec:
        where = self.host(name).dns
        if where is None:
            raise LabError(f"{name} is no name server")
        return where

    def _continues(self, record: MachineChanges) -> bool:
        """Say whether what was brought up before is this fleet, here."""
        return (
            record.network == network.namespace()
            and record.records == self._records
            and (record.with_php, record.with_mail) == (self._with_php, self._with_mail)
            and record.fleet_file == str(self._file)
            and self._state.fleet_copy.read_bytes() == self._file.read_bytes()
        )

    def _construction(self) -> Construction:
        if self._built is None:
            record = self._state.record()
            if record is None:
                raise _not_up(self._state.path)
            fleet = read_fleet(Path(record.fleet_file), self._state.fleet_copy)
            self._built = Construction(fleet, self._state, record)
        return self._built

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Construction]:
        check_root()
        if not self._state.path.is_dir():
            raise _not_up(self._state.path)
        with self._state.locked():
            built = self._construction()
            built.reread()
            yield built


def _not_up(folder: Path) -> LabError:
    return LabError(f"no lab is up in {folder}", "Bring one up: lab up FLEET.yaml --state DIR")


def read_records(file: Path) -> dict[str, list[str]]:
    """Read a side file of more DNS records: lines of a zone file, in a list for each zone."""
    tree = YAML(typ="safe", pure=True).load(file)
    if not isinstance(tree, dict) or not all(isinstance(lines, list) for lines in tree.values()):
        raise LabError(
            f"{file} is no list of lines for each zone", 'For example: garden.example: ["ftp 300 A 127.1.1.1"]'
        )
    return {str(zone): [str(line) for line in lines] for zone, lines in tree.items()}
