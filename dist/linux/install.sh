#!/bin/sh
# Installs Rollcall for you alone, without root, from the folder that this script lies in. Run it again to update.
# What it puts where: the programs in ~/.local/lib/rollcall with links in ~/.local/bin; the menu entry, the icons, the
# file type and the manual pages in ~/.local/share. uninstall.sh takes all of it away again, and never your sites.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
share=${XDG_DATA_HOME:-$HOME/.local/share}
lib=$HOME/.local/lib/rollcall
bin=$HOME/.local/bin

if [ "$(id -u)" = 0 ]; then
  echo "install.sh: this is for one person and needs no root; run it without sudo" >&2
  exit 1
fi
if ! "$here/bin/rollcall-cli" --version >/dev/null; then
  echo "install.sh: the programs do not start here; they need Linux on x86-64 with glibc 2.36 or newer" >&2
  exit 1
fi

put() { # put FILE TARGET: the old file may be in use, so it is replaced and not written to
  mkdir -p "$(dirname "$2")"
  cp "$1" "$2.new"
  mv -f "$2.new" "$2"
}

for program in rollcall rollcall-cli; do
  put "$here/bin/$program" "$lib/$program"
  mkdir -p "$bin"
  ln -sf "$lib/$program" "$bin/$program"
done
put "$here/uninstall.sh" "$lib/uninstall.sh"
(cd "$here/share" && find applications icons man metainfo mime -type f) | while IFS= read -r file; do
  put "$here/share/$file" "$share/$file"
done
(cd "$here/share/doc/rollcall" && find . -type f) | while IFS= read -r file; do
  put "$here/share/doc/rollcall/$file" "$lib/doc/$file"
done

# A session's PATH may lack ~/.local/bin, so the menu entry names the program by its place. Within the quotes of a
# desktop entry a quote, a backtick, a dollar and a backslash take a backslash before them, and every backslash is
# doubled once more; a percent sign is doubled.
exec_path=$(printf '%s' "$lib/rollcall" | sed 's/\\/\\\\\\\\/g; s/["`$]/\\\\&/g; s/%/%%/g')
entry=$share/applications/rollcall.desktop
EXEC_PATH=$exec_path awk '
  /^TryExec=/ { next }
  /^Exec=/ { print "Exec=\"" ENVIRON["EXEC_PATH"] "\" %f"; next }
  { print }' "$here/share/applications/rollcall.desktop" >"$entry.new"
mv -f "$entry.new" "$entry"

refresh() { # refresh COMMAND...: the desktop finds new files by itself where a command is missing
  if command -v "$1" >/dev/null; then "$@" >/dev/null 2>&1 || true; fi
}
refresh update-desktop-database "$share/applications"
refresh update-mime-database "$share/mime"

echo "Rollcall is installed. It is in the menu; in a terminal: $bin/rollcall"
case ":$PATH:" in *":$bin:"*) ;; *) echo "($bin is not in your PATH: after the next login it may be, or use the whole path.)" ;; esac
echo "To remove it: $lib/uninstall.sh"

# A desktop has these; a bare system may not.
libraries=$( (PATH=$PATH:/sbin:/usr/sbin ldconfig -p) 2>/dev/null || true)
if [ -n "$libraries" ]; then
  for name in libGL.so.1 libEGL.so.1 libX11.so.6 libX11-xcb.so.1 libXcursor.so.1 libXi.so.6 libxkbcommon.so.0 \
    libxkbcommon-x11.so.0 libwayland-client.so.0 libwayland-egl.so.1; do
    case $libraries in *"	$name "*) ;; *) echo "This system lacks $name; the window needs it. See the table in README.md." ;; esac
  done
fi
