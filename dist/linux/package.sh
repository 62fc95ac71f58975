#!/usr/bin/env bash
# Makes the Linux packages: rollcall_VERSION-1_amd64.deb, rollcall-VERSION-1.x86_64.rpm and the portable
# rollcall-VERSION-linux-x86_64.tar.gz, into $ROLLCALL_OUT (dist/common.sh has the variables). Run it on Debian 12: what
# is built there starts on glibc 2.36 and everything newer. The same commit gives the same bytes, twice.
#
#   dist/linux/package.sh [--no-build]     --no-build: the dist profile was built before
#
# ROLLCALL_MAINTAINER   "Name <mail>" in the .deb, for whoever publishes it
#
# There is no AppImage: its tool (appimagetool) is not in Debian. The tar.gz does the same job, one folder and no root.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=dist/common.sh
source dist/common.sh
# shellcheck source=dist/linux/parts.sh
source dist/linux/parts.sh

newest_glibc=2.36
maintainer=${ROLLCALL_MAINTAINER:-$(sed -n '/^\[package.metadata.deb\]/,/^\[/s/^maintainer = "\(.*\)"$/\1/p' Cargo.toml)}
export CARGO_TARGET_DIR=$target
# Where cargo puts the programs. cargo-deb and cargo-generate-rpm find files there as `target/release/…`, which is why
# what goes into the packages is laid out there too.
programs=$target/dist
tree=$programs/linux-tree
deb_only=$programs/linux-deb
architecture=$(uname -m)
[[ $architecture == x86_64 ]] || die "the packages are named for x86_64, this is $architecture"

umask 022
[[ ${1:-} == --no-build ]] || cargo build --profile dist --locked --bins
need objdump:binutils dpkg-shlibdeps:dpkg-dev help2man:help2man
cargo_tool cargo-deb 3.8.0
cargo_tool cargo-generate-rpm 0.21.1

# ---- what the programs ask of the system --------------------------------------------------------------------------

for program in rollcall rollcall-cli; do
  [[ -x $programs/$program ]] || die "$programs/$program is not there: cargo build --profile dist --bins"
  asked=$(objdump -T "$programs/$program" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
  asked=${asked#GLIBC_}
  [[ $(printf '%s\n' "$asked" "$newest_glibc" | sort -V | tail -n 1) == "$newest_glibc" ]] ||
    die "$program needs glibc $asked, which is newer than $newest_glibc"
  say "$program: glibc $asked, $(stat -c %s "$programs/$program") bytes"
done

# ---- what all three packages hold -----------------------------------------------------------------------------------

rm -rf "$tree" "$deb_only"
share=$tree/usr/share
doc=$share/doc/rollcall
put() { install -D -m 644 "$1" "$2"; }

put dist/linux/rollcall.desktop "$share/applications/rollcall.desktop"
put dist/linux/rollcall-mime.xml "$share/mime/packages/rollcall.xml"
metainfo "$stage/metainfo.xml"
put "$stage/metainfo.xml" "$share/metainfo/app.rollcall.Rollcall.metainfo.xml"
for size in 16 32 48 64 128 256 512; do
  put "assets/icon-$size.png" "$share/icons/hicolor/${size}x$size/apps/rollcall.png"
done
put assets/icon.svg "$share/icons/hicolor/scalable/apps/rollcall.svg"
man_page rollcall 'find Avocent and Vertiv appliances on every network' "$stage/rollcall.1"
man_page rollcall-cli 'find Avocent and Vertiv appliances, without a window' "$stage/rollcall-cli.1"
gzip -9 --no-name --force "$stage/rollcall.1" "$stage/rollcall-cli.1"
put "$stage/rollcall.1.gz" "$share/man/man1/rollcall.1.gz"
put "$stage/rollcall-cli.1.gz" "$share/man/man1/rollcall-cli.1.gz"
put README.md "$doc/README.md"
gzip -9 --no-name <CHANGELOG.md >"$stage/changelog.gz"
put "$stage/changelog.gz" "$doc/changelog.gz"
for license in LICENSE-MIT LICENSE-APACHE assets/fonts/LICENSE-*.txt assets/licenses/third-party.txt; do
  [[ -e $license ]] || continue
  put "$license" "$doc/licenses/${license##*/}"
done
[[ -e assets/licenses/third-party.txt ]] || say "assets/licenses/third-party.txt is not there: the packages lack the crates' licenses"

# ---- .deb ---------------------------------------------------------------------------------------------------------

debian_copyright >"$stage/copyright"
put "$stage/copyright" "$deb_only/copyright"
debian_changelog | gzip -9 --no-name >"$stage/changelog.Debian.gz"
put "$stage/changelog.Debian.gz" "$deb_only/changelog.Debian.gz"
deb=$out/rollcall_$version-1_amd64.deb
cargo deb --quiet --locked --no-build --no-strip --profile dist --deb-revision 1 --maintainer "$maintainer" --output "$deb"
say "$deb"

# ---- .rpm ---------------------------------------------------------------------------------------------------------

rpm=$out/rollcall-$version-1.x86_64.rpm
cargo generate-rpm --profile dist --auto-req builtin --output "$rpm"
say "$rpm"

# ---- portable -----------------------------------------------------------------------------------------------------

portable=$out/rollcall-$version-linux-x86_64.tar.gz
folder=rollcall-$version-linux-x86_64
rm -rf "${stage:?}/$folder"
mkdir -p "$stage/$folder"
for program in rollcall rollcall-cli; do
  install -D -m 755 "$programs/$program" "$stage/$folder/bin/$program"
done
cp -R "$share" "$stage/$folder/share"
put README.md "$stage/$folder/README.md"
install -m 755 dist/linux/install.sh dist/linux/uninstall.sh "$stage/$folder"
tar --create --directory "$stage" --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
  "$folder" | gzip -9 --no-name >"$portable"
say "$portable"
