#!/usr/bin/env bash
# Proves the Linux packages on systems that never saw Rollcall. As root on Debian; needs the packages (package.sh) and,
# for the clean systems, Debian's mirror. The programs themselves are started in a network of their own, with nobody on it.
#
#   dist/linux/prove.sh [12] [13] [rpm]     all three without an argument
#
# On a clean Debian (debootstrap --variant=minbase, kept in the user's cache folder):
#   1. one command installs the .deb with all that it asks for, a second one opens the window, as an ordinary person;
#      under Xvfb, and under Weston's headless Wayland. On Debian 12 with what is recommended, as apt does it by itself;
#      on Debian 13 without, so that nothing that is needed comes in by chance
#   2. purged, it leaves nothing but the person's own files
#   3. the portable archive is installed by that person, starts, and leaves nothing either
# The .rpm is listed, installed into an empty tree, compared and removed.
#
# Pictures and lists go to $ROLLCALL_OUT/proof. They are there to be looked at: a script sees that a window has colors,
# not what it shows.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=dist/common.sh
source dist/common.sh
[[ $(id -u) == 0 ]] || die "needs root, for clean systems and networks of their own"

parts=${*:-12 13 rpm}
deb=$out/rollcall_$version-1_amd64.deb
rpm=$out/rollcall-$version-1.x86_64.rpm
portable=$out/rollcall-$version-linux-x86_64.tar.gz
roots=${XDG_CACHE_HOME:-$HOME/.cache}/rollcall/roots
proof=$out/proof
least_colors=40      # a window with text and status colors has hundreds, an empty one a few
mirror=${ROLLCALL_MIRROR:-}      # empty: where debootstrap itself looks

need debootstrap:debootstrap Xvfb:xvfb openbox:openbox xdotool:xdotool xprop:x11-utils import:imagemagick weston:weston rpm:rpm unshare:util-linux ip:iproute2
for package in "$deb" "$rpm" "$portable"; do
  [[ -e $package ]] || die "$package is not there: dist/linux/package.sh"
done
mkdir -p "$roots" "$proof"

work=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-prove.XXXXXX")
pids=()
end_all() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
}
clean_up() {
  end_all
  # Whatever was mounted was so in namespaces that are gone with their processes.
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

millis() { date +%s%3N; }

# wait_for SECONDS WHAT COMMAND...: polls, because nothing tells a script that a window is there.
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [[ $SECONDS -lt $end ]] || die "$what did not come; $(tail -n 20 "$work"/*.log 2>/dev/null)"
    sleep 0.05
  done
}

# ---- a clean system -------------------------------------------------------------------------------------------------

clean_root() { # clean_root NUMBER NAME: unpacked at $root
  local kept=$roots/debian-$1.tar
  if [[ ! -e $kept ]]; then
    say "making a clean Debian $1"
    debootstrap --variant=minbase "$2" "$work/new" ${mirror:+"$mirror"} >"$work/debootstrap.log" 2>&1 ||
      die "debootstrap failed: $(tail -n 5 "$work/debootstrap.log")"
    rm -f "$work/new/var/cache/apt/archives/"*.deb
    tar --create --directory "$work/new" --file "$kept.new" .
    mv "$kept.new" "$kept"
    rm -rf --one-file-system "$work/new"
  fi
  root=$work/debian-$1
  mkdir "$root"
  tar --extract --directory "$root" --file "$kept"
  # Services of dependencies are not started in a folder.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  mkdir -p "$root/tmp/.X11-unix" "$root/run/share"
}

# in_root NETWORK COMMAND...: "mirror" has the machine's network, "none" one of its own with nobody on it.
in_root() {
  local own=()
  [[ $1 == mirror ]] || own=(--net)
  shift
  # shellcheck disable=SC2016
  unshare --mount --pid --ipc --fork --kill-child "${own[@]}" -- bash -euc '
    root=$1 shared=$2
    shift 2
    ip link set lo up
    mount --make-rprivate /
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
    mount --bind /tmp/.X11-unix "$root/tmp/.X11-unix"
    mount --bind "$shared" "$root/run/share"
    exec chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"' in-root "$root" "$work/share" "$@"
}

as_person() { # as_person VARIABLE=VALUE... COMMAND...: an ordinary person, without network
  in_root none runuser -u person -- env HOME=/home/person USER=person LIBGL_ALWAYS_SOFTWARE=1 \
    XDG_RUNTIME_DIR=/run/share/runtime "$@"
}

files_of() { # files_of ROOT: everything but what is mounted over it
  (cd "$1" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./sys -o -path ./tmp -o -path ./run \) -prune -o -print | LC_ALL=C sort)
}

# ---- the window -----------------------------------------------------------------------------------------------------

start_x() {
  rm -f "$work/display"
  Xvfb -displayfd 3 -screen 0 1440x900x24 -ac +extension GLX +extension RANDR -nolisten tcp 3>"$work/display" >"$work/xvfb.log" 2>&1 &
  pids+=($!)
  wait_for 30 Xvfb test -s "$work/display"
  DISPLAY=:$(tr -d '[:space:]' <"$work/display")
  export DISPLAY
  openbox >"$work/openbox.log" 2>&1 &
  pids+=($!)
  wait_for 30 openbox sh -c 'xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null | grep -q "window id"'
}

num_colors() { identify -format %k "$1"; }

window_is_there() {
  window=$(xdotool search --onlyvisible --name '^Rollcall' 2>/dev/null | head -n 1) && [[ -n $window ]]
}

# see_window PICTURE COMMAND...: starts the program as the person, takes a picture and closes it as a person would.
see_window() {
  local picture=$1 begin runner status=0
  shift
  begin=$(millis)
  as_person DISPLAY="$DISPLAY" "$@" >"$work/app.log" 2>&1 &
  runner=$!
  window=''
  wait_for 60 "the window of $*" window_is_there
  to_window=$(($(millis) - begin))
  # Over the window the pointer would bring up hints. Units of the demo answer over some seconds.
  xdotool mousemove 1439 899
  sleep 12
  import -window root "$picture"
  [[ $(num_colors "$picture") -ge $least_colors ]] || die "the window is empty: $picture"
  xdotool windowactivate --sync "$window" key alt+F4
  wait "$runner" || status=$?
  [[ $status -eq 0 ]] || die "$* ended with $status: $(tail -n 5 "$work/app.log")"
}

# see_wayland PICTURE: the same under Weston. WAYLAND_DEBUG makes libwayland say every message
# of the program; objects are told by @ or, newer, by #.
see_wayland() {
  local runner
  # --debug lets a picture be taken; only people on this machine could use it.
  XDG_RUNTIME_DIR=$work/share/runtime weston --backend=headless-backend.so --use-pixman --width=1440 --height=900 \
    --socket=wayland-proof --idle-time=0 --debug --no-config >"$work/weston.log" 2>&1 &
  pids+=($!)
  wait_for 30 weston test -S "$work/share/runtime/wayland-proof"
  chmod 777 "$work/share/runtime/wayland-proof"
  as_person WAYLAND_DISPLAY=wayland-proof WAYLAND_DEBUG=1 timeout --signal=TERM 40 rollcall --demo >"$work/wayland.log" 2>&1 &
  runner=$!
  wait_for 40 "a window on Wayland" grep -q 'xdg_toplevel[@#][0-9]*.set_app_id' "$work/wayland.log"
  grep -q 'set_app_id("rollcall")' "$work/wayland.log" || die "the app id is not rollcall: $(grep set_app_id "$work/wayland.log")"
  grep -q 'get_toplevel_decoration' "$work/wayland.log" && decoration=asked || decoration='not offered'
  wait_for 40 "a frame on Wayland" grep -q 'wl_surface[@#][0-9]*.attach(wl_buffer' "$work/wayland.log"
  sleep 10
  (cd "$work" && XDG_RUNTIME_DIR=$work/share/runtime WAYLAND_DISPLAY=wayland-proof weston-screenshooter) ||
    die "no picture could be taken of Weston"
  mv "$work"/wayland-screenshot-*.png "$1"
  [[ $(num_colors "$1") -ge $least_colors ]] || die "the window on Wayland is empty: $1"
  kill "$runner" 2>/dev/null || true
  wait "$runner" || true
  say "Wayland: app id rollcall, frames drawn, decoration $decoration"
}

# ---- Debian ---------------------------------------------------------------------------------------------------------

# What a removed package may leave: the package tools' own books, the person's files, and what the graphics driver and
# the font library keep for the person.
allowed='^\./(var/(log|lib/apt|lib/dpkg|cache/(apt|debconf|ldconfig))(/|$)|etc/ld\.so\.cache$|home/person/(\.config|\.local(/(share|state))?)$|home/person/(\.config|\.local/share|\.local/state)/rollcall(/|$)|home/person/\.cache(/(mesa_shader_cache|mesa_shader_cache_db|fontconfig)(/|$)|$))'

prove_debian() { # prove_debian NUMBER NAME APT_OPTION...
  local number=$1 name=$2 begin before packages left
  shift 2
  clean_root "$number" "$name"
  mkdir -p "$work/share/runtime"
  # Shared by the person in there and the display servers out here.
  chmod 777 "$work/share/runtime"
  in_root mirror apt-get update -qq
  in_root mirror useradd --create-home person
  cp "$deb" "$portable" "$root/opt/"
  files_of "$root" >"$proof/debian-$number-before.txt"
  before=$(in_root mirror dpkg-query -W | wc -l)

  begin=$(millis)
  in_root mirror sh -c "cd /opt && apt-get install -y $* ./$(basename "$deb")" >"$proof/debian-$number-install.txt" 2>&1 ||
    die "the .deb was not installed: $(tail -n 5 "$proof/debian-$number-install.txt")"
  packages=$(($(in_root mirror dpkg-query -W | wc -l) - before))
  say "Debian $number: installed${*:+ ($*)} with $packages packages in $((($(millis) - begin) / 1000)) s"

  start_x
  see_window "$proof/debian-$number-x11.png" rollcall --demo
  say "Debian $number: the window is there $to_window ms after the command, look at $proof/debian-$number-x11.png"
  in_root none rollcall-cli decode --hex 00 >"$work/decode.log" 2>&1 || [[ $? -eq 1 ]] || die "rollcall-cli: $(<"$work/decode.log")"
  see_wayland "$proof/debian-$number-wayland.png"
  end_all

  in_root mirror apt-get purge -y rollcall >"$work/purge.log" 2>&1 || die "purge: $(tail -n 5 "$work/purge.log")"
  prove_portable "$number"
  in_root mirror apt-get autoremove --purge -y >"$work/purge.log" 2>&1 || die "autoremove: $(tail -n 5 "$work/purge.log")"
  files_of "$root" >"$proof/debian-$number-after.txt"
  comm -13 "$proof/debian-$number-before.txt" "$proof/debian-$number-after.txt" >"$proof/debian-$number-left.txt"
  left=$(grep -Ev "$allowed" "$proof/debian-$number-left.txt" || true)
  [[ -z $left ]] || die "purged, these are left: $left"
  ! comm -23 "$proof/debian-$number-before.txt" "$proof/debian-$number-after.txt" | grep -v '^./var/' ||
    die "purged, the files above are missing"
  ! grep -rIl rollcall "$root/etc" "$root/usr" "$root/var/lib" --exclude-dir=apt --exclude-dir=dpkg ||
    die "purged, the files above still name it"
  say "Debian $number: purged, nothing is left but $(grep -c '^./home/person/.*rollcall/' "$proof/debian-$number-left.txt") files of the person"
  rm -rf --one-file-system "$root"
}

# The archive, on the same system, whose libraries are still there.
prove_portable() {
  local number=$1 folder=${portable##*/}
  folder=${folder%.tar.gz}
  (cd "$root/home/person" && find . | LC_ALL=C sort) >"$work/home-before"
  as_person sh -ec "cd ~ && tar xzf /opt/$folder.tar.gz && $folder/install.sh" >"$work/portable.log" 2>&1 ||
    die "install.sh: $(<"$work/portable.log")"
  grep -q '^Exec="/home/person/.local/lib/rollcall/rollcall" %f$' "$root/home/person/.local/share/applications/rollcall.desktop" ||
    die "the menu entry does not name the program: $(grep Exec "$root/home/person/.local/share/applications/rollcall.desktop")"
  if command -v desktop-file-validate >/dev/null; then
    desktop-file-validate "$root/home/person/.local/share/applications/rollcall.desktop"
  fi
  start_x
  see_window "$proof/debian-$number-portable.png" /home/person/.local/bin/rollcall --demo
  end_all
  as_person sh -ec "rm -r ~/$folder && ~/.local/lib/rollcall/uninstall.sh" >"$work/portable.log" 2>&1 ||
    die "uninstall.sh: $(<"$work/portable.log")"
  (cd "$root/home/person" && find . | LC_ALL=C sort) >"$work/home-after"
  diff <(grep -v '/rollcall/' "$work/home-before") <(grep -v '/rollcall/' "$work/home-after") >&2 || die "uninstall.sh left these"
  say "Debian $number: the portable archive installed, opened in $to_window ms, and is gone again"
}

# ---- .rpm -----------------------------------------------------------------------------------------------------------

prove_rpm() {
  local query tree=$work/rpm file
  for query in list requires provides scripts recommends info; do
    rpm --query --package --nosignature "--$query" "$rpm" | LC_ALL=C sort -u >"$proof/rpm-$query.txt" 2>"$work/rpm.log" || die "rpm: $(<"$work/rpm.log")"
  done
  [[ ! -s $proof/rpm-scripts.txt ]] || die "the .rpm runs scripts: $(<"$proof/rpm-scripts.txt")"
  for file in libc.so.6 libGL.so.1 libEGL.so.1 libX11.so.6 libX11-xcb.so.1 libXcursor.so.1 libXi.so.6 libxkbcommon.so.0 \
    libxkbcommon-x11.so.0 libwayland-client.so.0 libwayland-egl.so.1; do
    grep -q "^$file(" "$proof/rpm-requires.txt" || die "the .rpm does not require $file"
  done
  # What both packages hold is the same, but for Debian's own two files.
  dpkg-deb --contents "$deb" | awk '$1 !~ /^d/ { print substr($6, 2) }' | grep -v '/doc/rollcall/\(copyright\|changelog.Debian.gz\)$' |
    LC_ALL=C sort >"$work/deb-list"
  diff "$work/deb-list" "$proof/rpm-list.txt" >&2 || die "the .rpm and the .deb do not hold the same"

  mkdir -p "$tree"
  rpm --root "$tree" --initdb
  rpm --force-debian --root "$tree" --install --nodeps --nosignature "$rpm" >"$work/rpm.log" 2>&1 || die "rpm --install: $(<"$work/rpm.log")"
  while IFS= read -r file; do
    [[ -f $tree$file ]] || die "$file was not installed"
  done <"$proof/rpm-list.txt"
  dpkg-deb --extract "$deb" "$work/deb"
  for file in rollcall rollcall-cli; do
    cmp "$tree/usr/bin/$file" "$work/deb/usr/bin/$file" || die "$file is not the same in both packages"
    [[ $(stat -c '%a %u' "$tree/usr/bin/$file") == '755 0' ]] || die "$file cannot be run by everybody"
  done
  rpm --root "$tree" --verify --nodeps rollcall >"$work/rpm.log" || die "rpm --verify: $(<"$work/rpm.log")"
  rpm --force-debian --root "$tree" --erase --nodeps rollcall
  [[ -z $(find "$tree/usr" -type f 2>/dev/null) ]] || die "erased, the .rpm leaves files"
  say ".rpm: $(wc -l <"$proof/rpm-list.txt") files as in the .deb, no scripts, $(grep -c '^lib' "$proof/rpm-requires.txt") libraries asked for, installed and erased"
}

for part in $parts; do
  case $part in
    12) prove_debian 12 bookworm ;;
    13) prove_debian 13 trixie --no-install-recommends ;;
    rpm) prove_rpm ;;
    *) die "what is $part? 12, 13 or rpm" ;;
  esac
done
