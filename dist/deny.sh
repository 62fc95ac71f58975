#!/usr/bin/env bash
# Checks the dependencies' licenses, sources and doubled versions by .config/deny.toml, and known vulnerabilities where
# the database of advisories can be reached.
#
# dist/deny.sh              all of it; says so when the advisories are left out
# dist/deny.sh CHECK...     some of: licenses bans sources advisories; fails when the database cannot be reached
#
# Where GitHub cannot be reached but a copy of the database can: `git config url.COPY.insteadOf` its address.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=dist/common.sh
source dist/common.sh

database=https://github.com/RustSec/advisory-db

reachable() {
  GIT_TERMINAL_PROMPT=0 git -c http.lowSpeedLimit=1 -c http.lowSpeedTime=15 ls-remote --quiet "$database" HEAD >/dev/null 2>&1
}

cargo_tool cargo-deny 0.20.2

checks=("$@")
if [[ $# -eq 0 ]]; then
  checks=(licenses bans sources)
  if reachable; then
    checks+=(advisories)
  else
    say "advisories are left out: $database cannot be reached"
  fi
fi
# The registry is asked for what is yanked; crates of other systems may have to be downloaded first.
cargo deny --locked --config .config/deny.toml check --hide-inclusion-graph --deny unmatched-skip --deny unnecessary-skip "${checks[@]}"
