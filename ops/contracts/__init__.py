"""What commands and jobs may ask of the world, as protocols: real adapters and tests' fakes have the same shape.

Every call has a deadline. What goes wrong is an error of `core.errors`, and nothing else, so that whoever calls can
say it to a person as it is. An adapter knows these, and never the bundle (`ops.ports`).
"""

from ops.contracts.clock import Clock
from ops.contracts.databases import Databases, LoadedDatabase
from ops.contracts.dns import Answer, Dns
from ops.contracts.engine import Engine
from ops.contracts.probe import Look, Probe
from ops.contracts.restic import DUMPS, BackupSource, Restic, SiteLocation, SnapshotFiles
from ops.contracts.ssh import HERE, End, Ran, RanOffsite, Ssh
from ops.contracts.store import Db, LeaseTime, Transaction

__all__ = [
    "DUMPS",
    "HERE",
    "Answer",
    "BackupSource",
    "Clock",
    "Databases",
    "Db",
    "Dns",
    "End",
    "Engine",
    "LeaseTime",
    "LoadedDatabase",
    "Look",
    "Probe",
    "Ran",
    "RanOffsite",
    "Restic",
    "SiteLocation",
    "SnapshotFiles",
    "Ssh",
    "Transaction",
]
