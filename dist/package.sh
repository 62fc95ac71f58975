#!/usr/bin/env bash
# Makes the packages of this version, and what is published beside them, in $ROLLCALL_OUT (dist/common.sh has the
# variables): the bill of materials, this version's notes, and the SHA-256 sums of all.
#
# dist/package.sh [SYSTEM...]            linux, windows or macos; without any, the system this runs on
# dist/package.sh --sums                 only the notes and the sums, of packages brought together from several systems
# dist/package.sh --repeat [SYSTEM...]   the packages again from a clone of this commit, in another folder and from
#                                        nothing, and compares: takes as long as the first time. The first packages
#                                        must be there. ROLLCALL_REPEAT_TARGET is a folder for cargo that stays.
#
# Packages for Windows are made on Linux too; those for macOS on a Mac only.
#
# What is the same from the same commit with the same compiler and linker, and what is not:
# - the programs for Linux and Windows, their packages, the bill of materials, the notes: the same bytes, wherever the
#   checkout and the target directory lie;
# - macOS: the programs before they are signed. A signature holds the time of Apple's server, a disk image its own.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=dist/common.sh
source dist/common.sh
export LC_ALL=C

this_system() {
  case $(uname -s) in
    Linux) echo linux ;;
    Darwin) echo macos ;;
    MINGW* | MSYS* | CYGWIN*) echo windows ;;
    *) die "no packages are made on $(uname -s)" ;;
  esac
}

# macOS has no sha256sum.
sha256() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

# What is published: files at the top of $out, without the sums themselves.
published() { (cd "$1" && find . -maxdepth 1 -type f ! -name SHA256SUMS | sed 's|^\./||' | sort); }

notes_and_sums() {
  local notes=$out/rollcall-$version-notes.md name
  changes >"$notes"
  grep -q '^- ' "$notes" || die "CHANGELOG.md has no changes below ## [$version]"
  published "$out" | while IFS= read -r name; do
    case $name in
      *"$version"*) ;;
      *) die "$out/$name is not of version $version; move it away" ;;
    esac
  done
  (cd "$out" && published . | while IFS= read -r name; do sha256 "$name"; done >SHA256SUMS)
  say "$out/SHA256SUMS: $(wc -l <"$out/SHA256SUMS" | tr -d ' ') files"
}

package() { # package SYSTEM...
  local system
  dist/licenses.sh --check
  for system in "$@"; do
    [[ -x dist/$system/package.sh ]] || die "there is no system $system: linux, windows or macos"
  done
  for system in "$@"; do
    "dist/$system/package.sh"
  done
  dist/sbom.sh
  notes_and_sums
}

repeat() { # repeat SYSTEM...
  local clone name different=0
  [[ -s $out/SHA256SUMS ]] || die "$out holds no packages to compare with; make them first"
  [[ -z $(git status --porcelain) ]] || die "there are changes that are not committed"
  clone=$(mktemp -d)/rollcall
  git clone --quiet --no-hardlinks . "$clone"
  # In a shell that knows nothing of this checkout.
  env -u CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR="${ROLLCALL_REPEAT_TARGET:-$clone/target}" \
    ROLLCALL_OUT="$clone/packages" ROLLCALL_TOOLS="$tools" "$clone/dist/package.sh" "$@"
  while IFS= read -r name; do
    if cmp -s "$clone/packages/$name" "$out/$name"; then
      say "same: $name"
    else
      say "DIFFERENT: $name ($out against $clone/packages)"
      different=1
    fi
  done < <(published "$clone/packages")
  [[ $different -eq 0 ]] || die "two builds of one commit are not the same"
  rm -rf "$(dirname "$clone")"
}

mode=package
case ${1:-} in
  --sums)
    [[ $# -eq 1 ]] || die "--sums takes no system"
    notes_and_sums
    exit 0
    ;;
  --repeat)
    mode=repeat
    shift
    ;;
  -*) die "usage: dist/package.sh [--repeat] [linux|windows|macos ...], or --sums" ;;
esac
[[ $# -gt 0 ]] || set -- "$(this_system)"
"$mode" "$@"
