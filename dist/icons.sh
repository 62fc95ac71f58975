#!/usr/bin/env bash
# Makes from assets/icon.svg: assets/icon-*.png (the window, Linux packages), assets/icon.ico (Windows) and
# assets/icon.icns (macOS). Installs librsvg2-bin, icoutils and icnsutils when they are missing and it may.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=dist/common.sh
source dist/common.sh
need rsvg-convert:librsvg2-bin icotool:icoutils png2icns:icnsutils

work=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-icons.XXXXXX")
trap 'rm -rf "$work"' EXIT

for size in 16 32 48 64 128 256 512; do
  rsvg-convert --width "$size" --height "$size" --output "assets/icon-$size.png" assets/icon.svg
  say "assets/icon-$size.png"
done
# Sizes that only one of the two formats wants.
for size in 20 24 40 1024; do
  rsvg-convert --width "$size" --height "$size" --output "$work/icon-$size.png" assets/icon.svg
done

# 20, 24 and 40 are the small sizes at 125 and 150 %; 256 is stored as a PNG, as Windows wants it.
icotool --create --output assets/icon.ico \
  assets/icon-16.png "$work/icon-20.png" "$work/icon-24.png" assets/icon-32.png "$work/icon-40.png" \
  assets/icon-48.png assets/icon-64.png --raw=assets/icon-256.png
say "assets/icon.ico"

png2icns assets/icon.icns \
  assets/icon-16.png assets/icon-32.png assets/icon-48.png assets/icon-128.png assets/icon-256.png \
  assets/icon-512.png "$work/icon-1024.png" >/dev/null
say "assets/icon.icns"
