#!/usr/bin/env bash
# Installs the packages given, or those in packages.txt, where they are missing. Their services are not started, now or
# at the next boot: the lab starts its own. Works as root, or through sudo.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

wanted=("$@")
if [ ${#wanted[@]} -eq 0 ]; then
    mapfile -t wanted < <(grep -v '^#' "$here/packages.txt")
fi

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
for package in "${wanted[@]}"; do
    is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "Installing Debian packages needs root, going on with sudo: ${missing[*]}"
    exec sudo -- "${BASH_SOURCE[0]}" "${missing[@]}"
fi
echo "Installing Debian packages: ${missing[*]}"

before=$(mktemp)
temporary=("$before")
trap 'rm -f "${temporary[@]}"' EXIT
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    # What an installing package asks before it starts its service; 101 forbids it.
    temporary+=($policy)
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
fi
clusters=/etc/postgresql-common/createcluster.d
if [ ! -e $clusters/lab.conf ]; then
    # What postgresql looks at before it makes and starts a cluster of its own.
    mkdir -p $clusters
    temporary+=($clusters/lab.conf)
    echo 'create_main_cluster = false' >$clusters/lab.conf
fi
dpkg-query -W -f '${Package}\n' | sort >"$before"
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
apt-get update -qq || { "$here/why-not-installed.sh" debian; exit 1; }
case " ${missing[*]} " in *" postfix "*)
    # No mail server for this machine. Debian lets only one be installed: exim4 goes, where it is there.
    echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
    for other in exim4-base sendmail-bin nullmailer; do
        if is_installed $other; then echo "postfix takes the place of $other"; fi
    done ;;
esac
apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null ||
    { "$here/why-not-installed.sh" debian; exit 1; }

disable() {
    local unit
    for unit in $(dpkg -L "$1" | sed -nE 's#^(/usr)?/lib/systemd/system/([^/@]+\.(service|socket))$#\2#p'); do
        if [ -d /run/systemd/system ]; then
            systemctl disable --quiet --now "$unit" 2>/dev/null || echo "could not disable $unit: do it by hand"
        else
            # It wants to be called as an installing package calls it.
            DPKG_MAINTSCRIPT_PACKAGE=$1 deb-systemd-helper disable "$unit" >/dev/null
        fi
    done
    # Where systemd does not run, a boot may go by these.
    for unit in $(dpkg -L "$1" | sed -n 's#^/etc/init\.d/##p'); do
        update-rc.d "$unit" disable
    done
}

# Those asked for, and those that bring their services: nginx-light has nginx, dovecot-imapd has dovecot-core, and so on.
for package in $(dpkg-query -W -f '${Package}\n' | sort | comm -13 "$before" -); do
    case " ${missing[*]} nginx nginx-common postgresql-common dovecot-core " in *" $package "*) disable "$package" ;; *)
        case $package in php*-fpm) disable "$package" ;; esac ;;
    esac
done
