#!/usr/bin/env bash
# Writes the bill of materials of this version, CycloneDX as JSON: everything that is linked or used to build, for all
# systems, as Cargo.lock has it. The same commit gives the same bytes.
#
# dist/sbom.sh        writes rollcall-VERSION.cdx.json into $ROLLCALL_OUT (dist/common.sh has the variables)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=dist/common.sh
source dist/common.sh

name=rollcall-$version.cdx

cargo_tool cargo-cyclonedx 0.5.9

# The tool writes beside Cargo.toml, under whatever name. With SOURCE_DATE_EPOCH it takes that time, and no serial number.
trap 'rm -f "$name.json"' EXIT
cargo cyclonedx --quiet --format json --spec-version 1.5 --target all --all --override-filename "$name"
# It names this checkout by its path, which is nobody's business; and a number of its own tells one bill from another.
# (Cargo leaves the name out where the folder has it.)
HERE=$PWD perl -pe 's{\Q$ENV{HERE}\E}{/rollcall}g; s{/rollcall#(?=\d)}{/rollcall#rollcall\@}g' "$name.json" >"$stage/$name.json"
SUM=$(git hash-object "$stage/$name.json") perl -0777 -pe '
  my @n = $ENV{SUM} =~ /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/;
  s{^(\s*"version": \d+,)}{$1\n  "serialNumber": "urn:uuid:$n[0]-$n[1]-5$n[2]-8$n[3]-$n[4]",}m or die "no version\n";
' "$stage/$name.json" >"$out/$name.json"
say "$out/$name.json: $(grep -c '"type": "library"' "$out/$name.json") libraries"
