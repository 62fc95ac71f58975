#!/bin/sh
# Removes what install.sh installed. Your sites, settings and logs stay: ~/.local/share/rollcall, ~/.config/rollcall,
# ~/.local/state/rollcall.
set -eu
share=${XDG_DATA_HOME:-$HOME/.local/share}
lib=$HOME/.local/lib/rollcall
bin=$HOME/.local/bin

for program in rollcall rollcall-cli; do
  # Only the links of ours.
  if [ "$(readlink "$bin/$program" 2>/dev/null)" = "$lib/$program" ]; then rm -f "$bin/$program"; fi
done
rm -f "$share/applications/rollcall.desktop" "$share/mime/packages/rollcall.xml" \
  "$share/metainfo/app.rollcall.Rollcall.metainfo.xml" \
  "$share/man/man1/rollcall.1.gz" "$share/man/man1/rollcall-cli.1.gz"
for icon in "$share"/icons/hicolor/*/apps/rollcall.png "$share"/icons/hicolor/*/apps/rollcall.svg; do
  rm -f "$icon"
done
rm -rf "$lib"

refresh() {
  if command -v "$1" >/dev/null; then "$@" >/dev/null 2>&1 || true; fi
}
is_empty() { [ -d "$1" ] && [ -z "$(ls -A "$1")" ]; }

# Where nothing else is registered, what was made from it goes too.
refresh update-desktop-database "$share/applications"
if ! ls "$share/applications/"*.desktop >/dev/null 2>&1; then rm -f "$share/applications/mimeinfo.cache"; fi
if is_empty "$share/mime/packages"; then
  for file in XMLnamespaces aliases generic-icons globs globs2 icons magic mime.cache subclasses treemagic types version; do
    rm -f "$share/mime/$file"
  done
  rm -f "$share/mime/application/x-rollcall-site.xml"
else
  refresh update-mime-database "$share/mime"
fi

remove_empty() { # remove_empty BASE FOLDER: the folder and those above it, up to the base, when they are empty
  if [ -d "$1/$2" ]; then (cd "$1" && rmdir -p "$2" 2>/dev/null) || true; fi
}
for size in 16x16 32x32 48x48 64x64 128x128 256x256 512x512 scalable; do
  remove_empty "$share" "icons/hicolor/$size/apps"
done
for folder in applications mime/application mime/packages metainfo man/man1; do
  remove_empty "$share" "$folder"
done
for folder in lib share; do
  remove_empty "$HOME" ".local/$folder"
done
remove_empty "$HOME" .local/bin
echo "Rollcall is removed. Your sites and settings are still there: $share/rollcall, ${XDG_CONFIG_HOME:-$HOME/.config}/rollcall"
