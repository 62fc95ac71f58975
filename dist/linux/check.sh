#!/usr/bin/env bash
# Checks the desktop entry, the AppStream metadata and the file type with the tools that desktops use; takes seconds and
# builds nothing. tests/packages_linux.rs compares them with the program.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=dist/common.sh
source dist/common.sh
# shellcheck source=dist/linux/parts.sh
source dist/linux/parts.sh
need desktop-file-validate:desktop-file-utils appstreamcli:appstream update-mime-database:shared-mime-info gio:libglib2.0-bin

work=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-check.XXXXXX")
trap 'rm -rf "$work"' EXIT
stage=$work

# A hint is a fault too: the tool ends with 0 then.
desktop-file-validate dist/linux/rollcall.desktop >"$work/hints" 2>&1 || true
[[ ! -s $work/hints ]] || die "rollcall.desktop: $(<"$work/hints")"
say "rollcall.desktop is valid"

metainfo "$work/app.rollcall.Rollcall.metainfo.xml"
appstreamcli validate --no-net --strict --no-color "$work/app.rollcall.Rollcall.metainfo.xml" >"$work/report" 2>&1 ||
  die "app.rollcall.Rollcall.metainfo.xml: $(<"$work/report")"
say "the AppStream metadata is valid: $version"

# The file type, beside the system's own: by its name, and by its bytes where the name says nothing.
system=/usr/share/mime/packages/freedesktop.org.xml
[[ -r $system ]] || die "$system is missing; it is in shared-mime-info"
mkdir -p "$work/share/mime/packages" "$work/home"
cp "$system" dist/linux/rollcall-mime.xml "$work/share/mime/packages"
# It warns of things in the system's own file.
PKGSYSTEM_ENABLE_FSYNC=0 update-mime-database "$work/share/mime" >"$work/report" 2>&1 || die "rollcall-mime.xml: $(<"$work/report")"
! grep x-rollcall "$work/report" || die "rollcall-mime.xml is not right"

mime_type() { # mime_type FILE
  HOME=$work/home XDG_DATA_HOME=$work/home XDG_DATA_DIRS=$work/share gio info --attributes=standard::content-type "$1" |
    sed -n 's/^ *standard::content-type: //p'
}
expect() { # expect FILE TYPE
  local found
  found=$(mime_type "$1")
  [[ $found == "$2" ]] || die "${1##*/} is taken for $found and not for $2"
}
header() { # header ID: the first 100 bytes of an SQLite file
  printf 'SQLite format 3\0'
  head -c 52 /dev/zero
  printf '%s' "$1"
  head -c 28 /dev/zero
}
header ROLL >"$work/hall.rollcall"
header ROLL >"$work/without-ending"
header ABCD >"$work/others"
expect "$work/hall.rollcall" application/x-rollcall-site
expect "$work/without-ending" application/x-rollcall-site
expect "$work/others" application/vnd.sqlite3
say "a site is known by its name and by its bytes, and other databases are not taken for one"

for script in dist/linux/*.sh; do bash -n "$script"; done
for script in dist/linux/install.sh dist/linux/uninstall.sh; do sh -n "$script"; done
