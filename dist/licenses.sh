#!/usr/bin/env bash
# Collects the licenses of everything that is linked into the programs in assets/licenses/third-party.txt, which the
# About box shows and every package holds. Run it after each change of Cargo.lock.
#
# dist/licenses.sh          makes the file
# dist/licenses.sh --check  fails when the file is stale
#
# Only the package registry is asked: what cargo has downloaded holds the texts.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=dist/common.sh
source dist/common.sh
export LC_ALL=C

made=assets/licenses/third-party.txt

# The texts come with various line ends, and with blanks at the ends of lines.
tidy() { tr -d '\r' | sed -e 's/[[:blank:]]*$//' | cat -s; }

section() { # section TITLE < TEXT
  printf '\n%s\n%s\n%s\n\n' "$rule" "$1" "$rule"
  tidy
}

collect() {
  local about=$stage/about.txt font
  local rule='--------------------------------------------------------------------------------'
  cargo fetch --locked --quiet
  cargo about generate --config .config/about.toml --offline --locked --fail dist/licenses.hbs >"$about"

  cat <<END
Rollcall contains the work of others, under the licenses below.
Made by dist/licenses.sh from Cargo.lock; do not edit.

Crates, with the license that each states:

END
  sed '/^==== TEXTS ====$/,$d' "$about" | tidy | sed '/^$/d'
  cat <<END

Besides:

The Rust standard library (MIT OR Apache-2.0), copyright the Rust project contributors
SQLite, inside libsqlite3-sys (public domain)
The typefaces Inter and JetBrains Mono (OFL-1.1) and DejaVu Sans (Bitstream Vera license), cut down to what is shown

The texts follow, each once, with the crates that it covers. Where a crate lets choose, one license is taken.
END
  sed '1,/^==== TEXTS ====$/d' "$about" | tidy | perl dist/licenses.pl
  for font in assets/fonts/LICENSE-*.txt; do
    section "Typeface: $(basename "${font#*LICENSE-}" .txt)" <"$font"
  done
}

# Comparing texts is what takes its time.
cargo_tool cargo-about 0.9.3 --features cli --config 'profile.dev.package.spdx.opt-level=3'
fresh=$stage/third-party.txt
collect >"$fresh"

case ${1:-} in
  '')
    mkdir -p "$(dirname "$made")"
    cp "$fresh" "$made"
    say "$made: $(grep -cE '^[^ ]+ [0-9][^ ]* \(' "$made") crates, $(wc -c <"$made") bytes"
    ;;
  --check)
    if ! cmp -s "$fresh" "$made"; then
      diff -u "$made" "$fresh" | head -n 40 || true
      die "$made is stale; run dist/licenses.sh"
    fi
    say "$made is current"
    ;;
  *) die "usage: dist/licenses.sh [--check]" ;;
esac
