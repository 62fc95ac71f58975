#!/usr/bin/env bash
# Makes the packages for Windows, x86-64, in $ROLLCALL_OUT:
#   rollcall-VERSION-windows-x86_64.zip   to unpack anywhere and start
#   rollcall-VERSION-windows-x86_64.msi   the installer for one person (rollcall.wxs)
# The same two programs give the same bytes; what goes into a program beside its source is the compiler and the
# paths of the crates' sources.
#
# ROLLCALL_WINDOWS_BIN   a folder that holds rollcall.exe and rollcall-cli.exe; without it they are built
# ROLLCALL_WINDOWS_SIGN  a command that signs the file it is given; without it nothing is signed
# CARGO                  the cargo to build with (on Linux it needs std for x86_64-pc-windows-gnu and mingw-w64)
# and those of common.sh
#
# On Linux everything is made. In the Git Bash of a Windows machine the programs are built by MSVC and the zip is
# made; the MSI needs wixl (of msitools) and is left out, with a word, where that is missing: take the programs to
# a Linux machine and name their folder in ROLLCALL_WINDOWS_BIN.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=dist/common.sh
. dist/common.sh
export TZ=UTC LC_ALL=C

name=rollcall-$version-windows-x86_64
case $(uname -s) in
  MINGW* | MSYS* | CYGWIN*) windows_target=x86_64-pc-windows-msvc ;;
  *) windows_target=x86_64-pc-windows-gnu ;;
esac

wix_uuid() { # wix_uuid TEXT: the same text gives the same one
  local hash
  hash=$(printf '%s' "rollcall $1" | sha256sum)
  printf '%s-%s-8%s-8%s-%s' "${hash:0:8}" "${hash:8:4}" "${hash:13:3}" "${hash:17:3}" "${hash:20:12}" | tr a-f A-F
}

# ---- the programs -----------------------------------------------------------------------------------------------

bin=${ROLLCALL_WINDOWS_BIN:-}
if [[ -z $bin ]]; then
  [[ $windows_target == *-msvc ]] || need x86_64-w64-mingw32-gcc:gcc-mingw-w64-x86-64-win32
  # No time goes into the programs (build.rs sees to the linker), and SQLite would be compiled again for every commit.
  env -u SOURCE_DATE_EPOCH "${CARGO:-cargo}" build --locked --profile dist --target "$windows_target" --bins
  bin=$target/$windows_target/dist
fi
for exe in rollcall.exe rollcall-cli.exe; do
  [[ -s $bin/$exe ]] || die "$exe is not in $bin"
done

# ---- the files --------------------------------------------------------------------------------------------------

files=$stage/$name
rm -rf "$files"
mkdir -p "$files/licenses"
cp "$bin/rollcall.exe" "$bin/rollcall-cli.exe" "$files/"
chmod 755 "$files"/*.exe
# Windows opens .txt by double click, and Notepad shows lines that end with a line feed.
cp README.md "$files/README.txt"
cp CHANGELOG.md "$files/CHANGELOG.txt"
cp LICENSE-APACHE "$files/LICENSE-APACHE.txt"
cp LICENSE-MIT "$files/LICENSE-MIT.txt"
for license in assets/fonts/LICENSE-*.txt; do
  cp "$license" "$files/licenses/font-${license##*/LICENSE-}"
done
for license in assets/licenses/*.txt; do
  [[ ! -e $license ]] || cp "$license" "$files/licenses/"
done
[[ -e $files/licenses/third-party.txt ]] || say "assets/licenses/third-party.txt is missing, and so it is in the packages"

sign() { # sign FILE
  [[ -z ${ROLLCALL_WINDOWS_SIGN:-} ]] || $ROLLCALL_WINDOWS_SIGN "$1"
}
sign "$files/rollcall.exe"
sign "$files/rollcall-cli.exe"
find "$files" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- the zip ----------------------------------------------------------------------------------------------------

zip_file=$out/$name.zip
rm -f "$zip_file"
if [[ $windows_target == *-gnu ]]; then
  need zip:zip
fi
# No entries for folders, no owners, no extra times; in the order of their names.
if command -v zip >/dev/null; then
  (cd "$stage" && find "$name" -type f | sort | zip -q -X -D -9 -@ "$zip_file")
else
  (cd "$stage" && find "$name" -type f | sort >"$name.list" &&
    7z a -tzip -mx=9 -mtc=off -bso0 "$(cygpath --windows "$zip_file")" "@$name.list")
fi
say "$(basename "$zip_file"): $(stat -c %s "$zip_file") bytes"

# ---- the installer ----------------------------------------------------------------------------------------------

if [[ $windows_target == *-gnu ]]; then
  need wixl:wixl msibuild:msitools
elif ! command -v wixl >/dev/null; then
  say "no MSI: there is no wixl here; make it on Linux with ROLLCALL_WINDOWS_BIN"
  exit 0
fi

# Windows Installer compares three numbers.
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "Windows Installer cannot tell the version $version from others"
msi_file=$out/$name.msi
wix=$stage/wix
rm -rf "$wix" "$msi_file"
mkdir -p "$wix"
{
  echo '<Include xmlns="http://schemas.microsoft.com/wix/2006/wi">'
  for license in "$files"/licenses/*; do
    file=${license##*/}
    printf '<File Id="license_%s" Name="%s" Source="licenses/%s" />\n' "${file//[^A-Za-z0-9]/_}" "$file" "$file"
  done
  echo '</Include>'
} >"$wix/licenses.wxi"
# wixl takes files below the current folder only.
cp assets/icon.ico "$files/rollcall.ico"
source_file=$PWD/dist/windows/rollcall.wxs
(cd "$files" && wixl --arch x64 --includedir "$wix" --define "Version=$version" \
  --define "ProductCode=$(wix_uuid "product $version")" --output "$msi_file" "$source_file")
rm "$files/rollcall.ico"
packed=$(msiinfo export "$msi_file" File | tail -n +4 | wc -l)
[[ $packed -eq $(find "$files" -type f | wc -l) ]] || die "rollcall.wxs does not name all files of $files"

# What wixl leaves out: the version of a file that has one. Without it an older program would be kept.
for file in rollcall.exe rollcall_cli.exe; do
  msibuild "$msi_file" -q "UPDATE \`File\` SET \`Version\` = '$version.0', \`Language\` = '0' WHERE \`File\` = '$file'" \
    -q "DELETE FROM \`MsiFileHash\` WHERE \`File_\` = '$file'"
done

# And what it takes from the clock and from chance: the two times and the code of this very package.
content=$(cd "$files" && find . -type f | sort | xargs -d '\n' sha256sum | sha256sum)
PACKAGE_CODE="{$(wix_uuid "package $content $(sha256sum <"$source_file")")}" perl -0777 -i -pe '
  # The summary information, as [MS-OLEPS] has it: format id, then the section with its properties.
  my $at = index($_, pack("H*", "e0859ff2f94f6810ab9108002b27b3d9"));
  die "no summary information\n" if $at < 0;
  my $section = $at + 20;
  my ($size, $count) = unpack("VV", substr($_, $section, 8));
  my $ticks = ($ENV{SOURCE_DATE_EPOCH} + 11644473600) * 10000000;
  for my $property (0 .. $count - 1) {
    my ($id, $offset) = unpack("VV", substr($_, $section + 8 + 8 * $property, 8));
    my $value = $section + $offset;
    if ($id == 9) { # the package code
      unpack("VV", substr($_, $value, 8)) == 30 or die "the package code is no text\n";
      substr($_, $value + 8, 38) = $ENV{PACKAGE_CODE};
    } elsif ($id == 12 || $id == 13) { # created, last saved
      unpack("V", substr($_, $value, 4)) == 64 or die "a time is none\n";
      substr($_, $value + 4, 8) = pack("VV", $ticks % 4294967296, int($ticks / 4294967296));
    }
  }
' "$msi_file"
msiinfo suminfo "$msi_file" >/dev/null || die "the installer cannot be read back"
sign "$msi_file"
touch --date "@$SOURCE_DATE_EPOCH" "$zip_file" "$msi_file"
say "$(basename "$msi_file"): $(stat -c %s "$msi_file") bytes"
