#!/usr/bin/env bash
# Makes assets/icon-*.png from assets/icon.svg. Installs librsvg2-bin when it is missing and it may.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v rsvg-convert >/dev/null; then
  if [[ $(id -u) != 0 ]]; then
    echo "icons.sh: rsvg-convert is missing; run: sudo apt-get install librsvg2-bin" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends librsvg2-bin >/dev/null
fi

for size in 16 32 48 64 128 256 512; do
  rsvg-convert --width "$size" --height "$size" --output "assets/icon-$size.png" assets/icon.svg
  echo "icons.sh: assets/icon-$size.png"
done
