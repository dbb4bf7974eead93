#!/usr/bin/env bash
# Says what can be done where something pinned could not be installed (pip, npm or apt has said above which, and why).
# Arguments: what it was for, and the Python that it was for.
set -euo pipefail
exec >&2
echo
case ${1:-a lock} in
node_modules/*)
    cat <<EOF
The local Slack and what looks whether pages are accessible could not be installed; npm has said why above.
- A connection that failed: the same command again takes up where it was.
- A version that is not there: npm's registry has withdrawn it. Write another one into package.json, then
  \`npm install --package-lock-only\`, and see that the scenario tests pass.
- EBADPLATFORM: the local Slack is for Linux on x86-64 alone.
Sharpnet itself needs none of it, and the demo runs in the terminal without it; the tests need it.
EOF
    ;;
debian)
    cat <<EOF
Debian's packages could not be installed; apt has said why above.
- "Unable to locate package": this release has it under another name, or not at all. The names stand in lab/packages*.txt
  and in the Makefile.
- A connection that failed: the same command again.
EOF
    ;;
*)
    cat <<EOF
The pinned packages of ${1:-a lock} could not be installed; the lines above say which and why.
- "No matching distribution", or one that was yanked: the index has withdrawn that release, or has no wheel of it for this
  Python ($("${2:-.venv/bin/python}" -c 'import platform; print(platform.python_version(), platform.machine())')). \`make lock\` pins what it has now:
      make lock ARGS="--upgrade-package NAME"
  or another Python: rm -r .venv && make setup PYTHON=python3.12
- "Hashes do not match": do not go on. The index, or something between it and here, gives out another file.
- A connection that failed: the same command again takes up where it was.
EOF
    ;;
esac
