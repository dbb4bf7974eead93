#!/usr/bin/env bash
# Runs the unit tests under each Python from 3.11 on that is here, but for the one of .venv, which `make check` takes.
# Each has a venv of the pinned packages below .lab/pythons, made anew when a lock or that Python changes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
locks=(requirements.txt requirements-build.txt requirements-dev.txt)
venvs=.lab/pythons
mkdir -p $venvs
# Two at once would make the same venv.
exec 9>$venvs/lock
flock 9

version_of() { "$1" -c 'import platform; print(platform.python_version())' 2>/dev/null; }
minor_of() { cut -d. -f1,2 <<<"$1"; }

own=$(version_of .venv/bin/python)
declare -A found without_venv
IFS=: read -ra folders <<<"$PATH"
for folder in "${folders[@]}" /usr/bin /usr/local/bin ~/.pyenv/versions/*/bin; do
    for python in "$folder"/python3.*; do
        [[ $python =~ /python3\.([0-9]+)$ ]] && ((BASH_REMATCH[1] >= 11)) || continue
        # What only says which Python it would be, as pyenv's stand-ins do, does not run.
        version=$(version_of "$python") || continue
        minor=$(minor_of "$version")
        [ "$minor" != "$(minor_of "$own")" ] && [ -z "${found[$minor]-}" ] || continue
        if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            found[$minor]=$python
        else
            without_venv[$minor]=$python
        fi
    done
done

make_venv() {
    local python=$1 venv=$2 stamp=$3
    rm -rf "$venv"
    "$python" -m venv "$venv" || return
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
        "${locks[@]/#/-r}" || { lab/why-not-installed.sh "${locks[*]}" "$venv/bin/python"; return 1; }
    # As in .venv: what asks for its own version finds it.
    PYTHONWARNINGS=ignore "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
        --no-build-isolation -e . || return
    # The last thing: a venv without it was interrupted.
    echo "$stamp" >"$venv/stamp.new"
    mv "$venv/stamp.new" "$venv/stamp"
}

for minor in "${!without_venv[@]}"; do
    [ -n "${found[$minor]-}" ] ||
        echo "Python $minor (${without_venv[$minor]}) is left out: it has no venv. On Debian: apt install python$minor-venv"
done

passed=() failed=()
for minor in $(printf '%s\n' "${!found[@]}" | sort -V); do
    python=${found[$minor]} venv=$venvs/$minor
    version=$(version_of "$python")
    stamp="$version $python $(cat "${locks[@]}" | sha256sum)"
    echo "unit tests under Python $version:"
    if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ] && ! make_venv "$python" "$venv" "$stamp"; then
        failed+=("$version")
    elif "$venv/bin/python" -m pytest tests/unit -q -n 2 -p no:cacheprovider; then
        passed+=("$version")
    else
        failed+=("$version")
    fi
done

[ ${#passed[@]} -eq 0 ] || echo "unit tests passed under ${passed[*]}"
[ ${#failed[@]} -eq 0 ] || { echo "unit tests failed under ${failed[*]}"; exit 1; }
[ ${#passed[@]} -gt 0 ] || echo "there is no other Python from 3.11 on here: unit tests run under $own alone, by make check"
