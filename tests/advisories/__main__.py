"""Takes the advisories about what is pinned here out of a copy of the PyPA advisory database, into advisories.json."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml
from advisories.known import FILE, advisories_in, kept
from packaging.utils import canonicalize_name
from unit.project.locks import pins_of

SOURCE = "The PyPA advisory database, github.com/pypa/advisory-database, CC BY 4.0: ids, packages and versions"
ROOT = Path(__file__).parents[2]


def main() -> None:
    """Read the clone whose folder is the only argument."""
    clone = Path(sys.argv[1])
    pinned = {pin.name for lock in ROOT.glob("requirements*.txt") for pin in pins_of(lock.read_text())}
    date = ["git", "-C", str(clone), "log", "-1", "--format=%cs"]
    taken_at = subprocess.run(date, capture_output=True, text=True, check=True).stdout.strip()
    folders = [folder for folder in (clone / "vulns").iterdir() if canonicalize_name(folder.name) in pinned]
    entries = (yaml.safe_load(file.read_text()) for folder in folders for file in folder.glob("*.yaml"))
    found = [one for entry in entries for one in advisories_in(entry) if one.package in pinned]
    rows = ",\n".join(f"  {json.dumps(row)}" for row in kept(found))
    about = {"source": SOURCE, "taken_at": taken_at, "looked_for": sorted(pinned)}
    FILE.write_text(f'{json.dumps(about)[:-1]},\n "advisories": [\n{rows}\n]}}\n')
    packages = len({one.package for one in found})
    sys.stdout.write(f"{len(found)} advisories about {packages} of {len(pinned)} packages, as of {taken_at}\n")


if __name__ == "__main__":
    main()
