#!/usr/bin/env bash
# Says what can be done where pinned packages could not be installed (pip has said above which, and why).
# Arguments: what they are, and the Python that they were for.
set -euo pipefail
cat >&2 <<EOF

The pinned packages of ${1:-a lock} could not be installed; the lines above say which and why.
- "No matching distribution", or one that was yanked: the index has withdrawn that release, or has no wheel of it for this
  Python ($("${2:-.venv/bin/python}" -c 'import platform; print(platform.python_version(), platform.machine())')). \`make lock\` pins what it has now:
      make lock ARGS="--upgrade-package NAME"
  or another Python: rm -r .venv && make setup PYTHON=python3.12
- "Hashes do not match": do not go on. The index, or something between it and here, gives out another file.
- A connection that failed: the same command again takes up where it was.
EOF
