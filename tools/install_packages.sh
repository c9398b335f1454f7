#!/bin/sh
# install_packages.sh GROUP...
# Installs the packages of these groups of packages.txt that are not there yet. Says first which; starts no service.
set -eu

list=$(dirname "$0")/packages.txt
[ $# -gt 0 ] || { echo "usage: $0 GROUP...   (groups: $(sed -n 's/^\[\(.*\)\]$/\1/p' "$list" | tr '\n' ' '))" >&2; exit 2; }

wanted() {
  awk -v groups=" $* " -v architecture="$(dpkg --print-architecture)" '
    /^\[.*\]$/ { group = substr($0, 2, length($0) - 2); next }
    NF && !/^#/ && index(groups, " " group " ") && (NF == 1 || $2 == architecture) { print $1 }' "$list" | sort -u
}

for group in "$@"; do
  grep -qx "\[$group\]" "$list" || { echo "$0: no group $group in $list" >&2; exit 2; }
done

missing=
for package in $(wanted "$@"); do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "These Debian packages are missing and will be installed (groups: $*):"
echo "$missing" | fmt -w 100 | sed 's/^ */  /'

as_root=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "$0: run this as root, or install sudo" >&2; exit 1; }
  as_root=sudo
fi

# invoke-rc.d asks this file before it starts a service; 101 means "no". A machine that already has one keeps it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '$as_root rm -f "$policy"' EXIT
  trap 'exit 1' INT TERM HUP
  printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
  $as_root chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
# shellcheck disable=SC2086  (a list of words)
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
