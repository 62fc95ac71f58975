#!/usr/bin/env bash
# Makes from assets/icon.svg: assets/icon-*.png (the window, Linux packages), assets/icon.ico (Windows) and
# assets/icon.icns (macOS). Installs librsvg2-bin, icoutils and icnsutils when they are missing and it may.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
for pair in rsvg-convert:librsvg2-bin icotool:icoutils png2icns:icnsutils; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
if [[ ${#missing[@]} -gt 0 ]]; then
  if [[ $(id -u) != 0 ]]; then
    echo "icons.sh: tools are missing; run: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-icons.XXXXXX")
trap 'rm -rf "$work"' EXIT

for size in 16 32 48 64 128 256 512; do
  rsvg-convert --width "$size" --height "$size" --output "assets/icon-$size.png" assets/icon.svg
  echo "icons.sh: assets/icon-$size.png"
done
# Sizes that only one of the two formats wants.
for size in 20 24 40 1024; do
  rsvg-convert --width "$size" --height "$size" --output "$work/icon-$size.png" assets/icon.svg
done

# 20, 24 and 40 are the small sizes at 125 and 150 %; 256 is stored as a PNG, as Windows wants it.
icotool --create --output assets/icon.ico \
  assets/icon-16.png "$work/icon-20.png" "$work/icon-24.png" assets/icon-32.png "$work/icon-40.png" \
  assets/icon-48.png assets/icon-64.png --raw=assets/icon-256.png
echo "icons.sh: assets/icon.ico"

png2icns assets/icon.icns \
  assets/icon-16.png assets/icon-32.png assets/icon-48.png assets/icon-128.png assets/icon-256.png \
  assets/icon-512.png "$work/icon-1024.png" >/dev/null
echo "icons.sh: assets/icon.icns"
