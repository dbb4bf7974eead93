"""Where files cannot be linked a copy keeps whose they are, by a user who is not root but may give files away."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from sync.killed_script import Place

from ops.rsync.script import FILL, SWAP
from ops.work_folder import TAKE_TURN

if TYPE_CHECKING:
    from pathlib import Path

BOT, CUSTOMER = 80_002, 70_009
KEPT = "-all,+chown,+dac_override,+fowner"
AS_BOT = ["setpriv", f"--reuid={BOT}", f"--regid={BOT}", "--clear-groups", "--no-new-privs"]
WITH_THREE = [f"--inh-caps={KEPT}", f"--ambient-caps={KEPT}", f"--bounding-set={KEPT}"]
NO_LINKS = '#!/bin/sh\ncase " $* " in *" -al "*) exit 1 ;; esac\nexec /bin/cp "$@"\n'
RUN = "20260101T000000Z-run"


def test_files_that_are_left_out_of_a_copy_stay_their_owners(tmp_path: Path) -> None:
    place, source = Place(tmp_path), tmp_path / "source"
    place.fill_anew({place.root: {"cache/upload": "x", "index.html": "old"}, source: {"index.html": "newer"}})
    for path in (source, place.root, *source.rglob("*"), *place.root.rglob("*")):
        os.chown(path, CUSTOMER, CUSTOMER)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "cp").write_text(NO_LINKS)
    (programs / "cp").chmod(0o755)
    work = place.root.parent / ".sharpnet"
    work.mkdir()
    os.chown(work, BOT, BOT)

    def run(script: str, *own: str) -> str:
        argv = [*AS_BOT, *WITH_THREE, "sh", "-c", script, "sharpnet", *place.where, *own]
        env = {"PATH": f"{programs}:/usr/bin:/bin"}
        ran = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.decode()

    turn = run(TAKE_TURN, RUN, "make").splitlines()[0]
    run(FILL, RUN, RUN, "linked", turn, "-aHAX", "--filter=- cache/", f"{source}/")
    run(SWAP, RUN, RUN, "20251201T000000Z", turn, "99999999999")
    owners = {str(path.relative_to(place.root)): path.stat().st_uid for path in place.root.rglob("*")}
    assert owners == dict.fromkeys(("cache", "cache/upload", "index.html"), CUSTOMER)
