#!/usr/bin/env bash
# Lists the packages that the demo needs: without the mail servers where this machine has another one of its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

files=(packages.txt packages-mail.txt)
for other in exim4-base sendmail-bin nullmailer; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' $other 2>/dev/null)" = installed ]; then
        echo "This machine's mail server is of $other: the demo goes on without mail. \`make system\` would put postfix in its place." >&2
        files=(packages.txt)
    fi
done
grep -hv '^#' "${files[@]}"
