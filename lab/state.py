"""What the lab keeps in its folder, so that any later command, or the next start after a crash, can go on from it."""

import base64
import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import secrets
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from lab import programs
from lab.errors import LabError, NotTheLabsError
from lab.fleet import FleetSpec
from lab.hosts import Secrets
from lab.init import write_whole
from lab.name_server import Key

_SECRET_BYTES = 32


@dataclasses.dataclass
class MachineChanges:
    """What was done to this machine and has to be undone. Written down before it is done."""

    fleet_file: str
    network: str
    records: dict[str, list[str]]
    seeded: bool = False
    cut: list[str] = dataclasses.field(default_factory=list)
    addresses: list[str] = dataclasses.field(default_factory=list)
    files: list[str] = dataclasses.field(default_factory=list)
    folders: list[str] = dataclasses.field(default_factory=list)
    with_php: list[str] = dataclasses.field(default_factory=list)
    with_mail: bool = True


class StateFolder:
    """The lab's folder: one file of record, one of environment, one of secrets, and a folder for each host."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.hosts = self.path / "hosts"
        self.authority = self.path / "authority"
        self.env = self.path / "env"
        self.ssh_config = self.path / "ssh_config"
        self.fleet_copy = self.path / "fleet.yaml"
        self._record = self.path / "lab.json"
        self._secrets = self.path / "secrets.json"

    @property
    def packet_filter(self) -> str:
        """Name the packet filter's table of this lab: of the folder, so that it is found even if the record is lost."""
        return "sharpnet_lab_" + hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other command of this lab waiting."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def record(self) -> MachineChanges | None:
        """Read the record; None where no lab is up."""
        try:
            return MachineChanges(**json.loads(self._record.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def keep(self, record: MachineChanges) -> None:
        """Write the record."""
        write_whole(self._record, json.dumps(dataclasses.asdict(record), indent=1))

    def claim(self, record: MachineChanges, file: Path) -> None:
        """Take it on record that the lab makes `file`, or refuse where somebody else has made it."""
        if str(file) in record.files:
            return
        if file.exists():
            raise NotTheLabsError(
                f"{file} is there, and is not the lab's", "Move it away, or give the lab its own path."
            )
        record.files.append(str(file))
        record.folders += make_folders(file.parent)
        self.keep(record)

    def secrets(self, fleet: FleetSpec) -> tuple[Secrets, dict[str, str]]:
        """Give the secrets and the environment that the bot needs, the same ones for as long as the lab is up."""
        try:
            kept: dict[str, str] = json.loads(self._secrets.read_text(encoding="utf-8"))
        except FileNotFoundError:
            kept = {}
        wanted = ("transfer", "admin", "mail", *(f"env:{name}" for name in fleet.environment_names), *fleet.secrets)
        for name in wanted:
            kept.setdefault(name, base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode())
        programs.write(self._secrets, json.dumps(kept))
        bot = Key(fleet.tsig.name, fleet.tsig.algorithm, kept[fleet.tsig.secret]) if fleet.tsig else None
        admin = Key("lab-admin", "hmac-sha256", kept["admin"])
        transfer = Key("lab-transfer", "hmac-sha256", kept["transfer"])
        ours = {place: kept[place] for place in fleet.secrets}
        environment = {name: kept[f"env:{name}"] for name in fleet.environment_names}
        return Secrets(bot, admin, transfer, ours, kept["mail"]), environment

    def write_env(self, environment: dict[str, str]) -> None:
        """Write what `set -a; . FILE` takes in."""
        text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in environment.items())
        programs.write(self.env, text)
        give_back(self.env)

    def write_ssh_config(self, text: str) -> None:
        """Write what `ssh -F FILE SERVER` takes in."""
        programs.write(self.ssh_config, text, 0o644)
        give_back(self.ssh_config)

    def forget(self, record: MachineChanges) -> None:
        """Remove all that the lab has made; what else lies in its folders stays, and so then do they."""
        for file in (*map(Path, record.files), self.env, self.ssh_config, self.fleet_copy, self._secrets):
            file.unlink(missing_ok=True)
        for folder in (self.hosts, self.authority):
            shutil.rmtree(folder, ignore_errors=True)
        self._record.unlink(missing_ok=True)
        for made in sorted(record.folders, key=len, reverse=True):
            with contextlib.suppress(OSError):
                Path(made).rmdir()


def person() -> tuple[int, int]:
    """Say who asked, as user and group id: the one before sudo, or the one who runs this."""
    try:
        return int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
    except (KeyError, ValueError):
        return os.getuid(), os.getgid()


def give_back(path: Path) -> None:
    """Let a file or folder belong to the person who asked."""
    os.chown(path, *person())


def make_folders(path: Path) -> list[str]:
    """Make a folder and those above it, all belonging to the person who asked, and list those that were not there."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        give_back(folder)
    return [str(folder) for folder in missing]


def check_root() -> None:
    """Refuse to go on without the rights that namespaces and packet filters need."""
    if os.geteuid() != 0:
        raise LabError("the lab needs root", "Run it with sudo; `python -m lab` does that by itself.")
