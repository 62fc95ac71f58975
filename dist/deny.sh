#!/usr/bin/env bash
# Checks licenses, sources and doubled versions of the dependencies (.config/deny.toml), and known vulnerabilities
# where the database of advisories can be had.
#
# dist/deny.sh              all of it
# dist/deny.sh CHECK...     some of: licenses bans sources advisories
#
# ROLLCALL_ADVISORIES       a folder with a clone of https://github.com/rustsec/advisory-db in a folder of its own, for
#                           machines that do not reach GitHub
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=dist/common.sh
source dist/common.sh

database=https://github.com/rustsec/advisory-db

cargo_tool cargo-deny 0.20.2
