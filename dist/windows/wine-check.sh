#!/usr/bin/env bash
# Shows on Linux that the programs for Windows work, as far as wine can show it. Each step says what went wrong.
#
#   dist/windows/wine-check.sh [STEP]...     window, installer, tests; without a STEP the first two
#
#   window     starts the program with the demo fleet, exports the inventory by keyboard, reads it, closes the window
#   installer  installs the MSI over an older one, opens a site by its file type and the program from the Start menu,
#              uninstalls it: nothing of it is left, everything of the person is
#   tests      builds the tests for Windows and runs them
#
# ROLLCALL_WINDOWS_BIN   a folder that holds rollcall.exe and rollcall-cli.exe (default: where package.sh builds them)
# ROLLCALL_SHOTS         a folder for pictures of the windows; nothing when unset
# CARGO                  the cargo to build with
# and those of common.sh
#
# All of it runs in a network of its own and in a wine prefix of its own, which vanish at the end. What wine cannot
# show (drivers, the firewall, elevation, signatures, several monitors) is on the release checklist.
set -euo pipefail
cd "$(dirname "$0")/../.."
self=$PWD/dist/windows/wine-check.sh
windows_target=x86_64-pc-windows-gnu

# Without what common.sh sets for packages: it would build everything again.
# No doc tests: there are none, and rustdoc would want std for Windows of its own.
cargo_test() {
  env -u SOURCE_DATE_EPOCH -u CARGO_ENCODED_RUSTFLAGS CARGO_PROFILE_DEV_DEBUG=0 "${CARGO:-cargo}" test --locked --lib --bins --tests --target "$windows_target" "$@"
}

# shellcheck source=dist/common.sh
. dist/common.sh

# wineserver owns the sockets of Windows programs, so all of wine runs inside.
if [[ -z ${ROLLCALL_IN_NETWORK:-} ]]; then
  # What is to be fetched comes from the other network.
  need wine:wine Xvfb:xvfb openbox:openbox xdotool:xdotool import:imagemagick xprop:x11-utils ip:iproute2 \
    x86_64-w64-mingw32-gcc:gcc-mingw-w64-x86-64-win32 msiinfo:msitools
  [[ " $* " != *" tests "* ]] || cargo_test --no-run
  as_root=()
  [[ $(id -u) == 0 ]] || as_root=(--map-root-user)
  ROLLCALL_IN_NETWORK=1 exec unshare "${as_root[@]}" --net "$self" "$@"
fi
bin=${ROLLCALL_WINDOWS_BIN:-$target/$windows_target/dist}
least_units=20               # of the demo fleet's 24: some come late, one falls silent
work=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-wine.XXXXXX")
log=$work/log
x_pid='' wm_pid='' app_pid=''

# What wine cannot do, each with the reason. Names of tests, or what they begin with.
left_out=(
  a_datagram_is_in_a_snapshot_within_150_ms   # a figure of wineserver, which hands on every datagram
  one_failing_interface_does_not_stop_another # wine lets a socket have an address that the machine has not
)

fail() {
  [[ ! -s $log ]] || { printf 'the end of its output:\n' && tail -n 40 "$log"; } >&2
  shot failed
  die "$*"
}

wineserver_() { # Debian 12 has it in the path, later releases do not
  local server
  server=$(command -v wineserver || find /usr/lib/wine -name 'wineserver*' | head -n 1)
  "$server" "$@"
}

clean_up() {
  local pid
  for pid in "$app_pid" "$wm_pid" "$x_pid"; do
    [[ -z $pid ]] || kill "$pid" 2>/dev/null || true
  done
  wineserver_ -k 2>/dev/null || true
  wineserver_ -w 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

shot() { # shot NAME
  [[ -n ${ROLLCALL_SHOTS:-} && -n ${DISPLAY:-} ]] || return 0
  mkdir -p "$ROLLCALL_SHOTS"
  timeout 20 import -window root "$ROLLCALL_SHOTS/windows-$1.png" || say "no picture could be taken"
}

wait_until() { # wait_until SECONDS WHAT COMMAND...
  local seconds=$1 what=$2 end
  shift 2
  end=$((SECONDS + seconds))
  until "$@"; do
    [[ -z $app_pid ]] || kill -0 "$app_pid" 2>/dev/null || fail "the program ended while waiting for $what"
    [[ $SECONDS -lt $end ]] || fail "waited $seconds s in vain for $what"
    sleep 0.2
  done
}

# ---- a Windows of our own ---------------------------------------------------------------------------------------

# A person who has never started it: nothing of this machine's home, desktop session or settings.
mkdir -p "$work/home"
mkdir -m 700 "$work/run"
build_home=$HOME
export HOME=$work/home XDG_RUNTIME_DIR=$work/run WINEPREFIX=$work/prefix WINEARCH=win64 LIBGL_ALWAYS_SOFTWARE=1
# No offer of Mono and Gecko, no menu entries on this machine.
export WINEDLLOVERRIDES='mscoree,mshtml=;winemenubuilder.exe=d' WINEDEBUG=-all RUST_BACKTRACE=1
unset DISPLAY WAYLAND_DISPLAY WAYLAND_SOCKET DBUS_SESSION_BUS_ADDRESS

ip link set lo up
# An interface with a link beside the loopback, as every laptop has.
ip link add office0 type veth peer name office1
ip addr add 10.35.2.10/24 dev office0
ip link set office0 up
ip link set office1 up
ip route add default via 10.35.2.1

Xvfb -displayfd 3 -screen 0 1440x900x24 -nolisten tcp 3>"$work/display" >"$work/xvfb.log" 2>&1 &
x_pid=$!
wait_until 20 Xvfb test -s "$work/display"
DISPLAY=:$(tr -d '[:space:]' <"$work/display")
export DISPLAY
openbox >"$work/openbox.log" 2>&1 &
wm_pid=$!
has_window_manager() { timeout 5 xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null | grep -q 'window id'; }
wait_until 20 openbox has_window_manager

timeout 300 wineboot --init >"$work/wineboot.log" 2>&1 || die "wine cannot make a prefix: $(tail -n 3 "$work/wineboot.log")"
# What the manifest and the installer ask for.
timeout 60 wine winecfg -v win10 >>"$work/wineboot.log" 2>&1
wineserver_ -w

# Wine 8 lacks bcryptprimitives.dll, from which Rust takes its random numbers. A stand-in goes into the prefix.
if [[ ! -e $WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll ]]; then
  cat >"$work/prng.c" <<'C'
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n) { return RtlGenRandom(p, (ULONG)n); }
C
  x86_64-w64-mingw32-gcc -O2 -shared -s -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" "$work/prng.c" -ladvapi32
fi
profile=$(find "$WINEPREFIX/drive_c/users" -mindepth 1 -maxdepth 1 ! -name Public | head -n 1)
say "$(wine --version), a prefix of its own and display $DISPLAY are ready"

windows_path() { # windows_path PATH: as a Windows program wants it
  wine winepath --windows "$1" 2>/dev/null | tr -d '\r'
}

# ---- a window of the program ------------------------------------------------------------------------------------

window=''
has_window() { # has_window TITLE: how it begins
  # A program has more windows than one can see; only visible ones count.
  window=$(timeout 5 xdotool search --onlyvisible --name "^$1" 2>/dev/null | head -n 1) || true
  [[ -n $window ]]
}
has_focus() {
  timeout 5 xdotool windowactivate "$window" 2>/dev/null || true
  [[ $(timeout 5 xdotool getwindowfocus 2>/dev/null) == "$window" ]]
}
is_drawn() { # a blank window has a few colors
  local colors
  colors=$(timeout 20 import -window "$window" png:- 2>/dev/null | identify -format %k png:- 2>/dev/null) || return 1
  [[ $colors -ge 50 ]]
}
is_gone() { ! timeout 5 xdotool search --onlyvisible --name '^Rollcall' >/dev/null 2>&1; }

press() { # press KEY...: to whatever has the keyboard focus
  timeout 10 xdotool key --clearmodifiers --delay 30 "$@" || fail "xdotool could not press $*"
}

wait_for_window() { # wait_for_window TITLE
  local started=$SECONDS
  wait_until 90 "a window whose title begins with $1" has_window "$1"
  say "the window is there after $((SECONDS - started)) s: $(xdotool getwindowname "$window")"
  wait_until 30 "the window to get the keyboard" has_focus
  wait_until 30 "the window to be drawn" is_drawn
}

close_window() {
  press alt+F4
  local end=$((SECONDS + 30)) status=0
  until is_gone; do
    [[ $SECONDS -lt $end ]] || fail "the window did not close within 30 s"
    sleep 0.2
  done
  if [[ -n $app_pid ]]; then
    wait "$app_pid" || status=$?
    app_pid=''
    [[ $status -eq 0 ]] || fail "it ended with $status instead of 0"
  else
    # Started by the system: it is over when the last program of the prefix is.
    timeout 60 bash -c "$(declare -f wineserver_); wineserver_ -w" || fail "the program goes on without its window"
  fi
  ! grep -rq 'panicked at' "$log" "$profile/AppData/Local/rollcall" || fail "it panicked"
}

num_rows_with_mac() { grep -cE '(^|,)([0-9a-f]{2}:){5}[0-9a-f]{2}(,|\r?$)' "$1" || true; }

# ---- the steps --------------------------------------------------------------------------------------------------

have_programs() {
  [[ -s $bin/rollcall.exe && -s $bin/rollcall-cli.exe ]] || die "the programs are not in $bin: run dist/windows/package.sh"
}

check_window() {
  have_programs
  wine "$bin/rollcall.exe" --demo >"$log" 2>&1 </dev/null &
  app_pid=$!
  wait_for_window Rollcall
  # Units answer over some seconds, so an early export may lack a few; asked again, it must have them.
  local try csv rows=0
  for try in 1 2 3 4 5 6; do
    sleep 3
    csv=$work/inventory-$try.csv
    press ctrl+e
    # The modal is drawn in the next frame and takes the focus in the one after; software GL takes its time.
    sleep 2
    [[ $try -gt 1 ]] || shot export
    press ctrl+a
    timeout 60 xdotool type --clearmodifiers --delay 15 "Z:$csv" || fail "xdotool could not type the path"
    press Return
    wait_until 30 "$csv to be written" test -s "$csv"
    rows=$(num_rows_with_mac "$csv")
    say "export $try: $rows units with a MAC"
    [[ $rows -lt $least_units ]] || break
  done
  [[ $rows -ge $least_units ]] || fail "only $rows units of the demo fleet have a MAC; wanted $least_units"
  [[ $(head -c 3 "$csv" | od -An -tx1 | tr -d ' \n') == efbbbf ]] || fail "the file does not begin with a byte order mark"
  sleep 2
  shot window
  close_window
  say "the inventory has $rows units, and the window closed in order"
  cp "$csv" "$work/inventory.csv"
}

registry() { # registry KEY: everything below it
  wine reg query "$1" /s 2>/dev/null | tr -d '\r'
}

install_msi() { # install_msi FILE
  timeout 300 wine msiexec /i "$(windows_path "$1")" /qn /l*v "$(windows_path "$work/msi.log")" >"$log" 2>&1 ||
    fail "msiexec could not install $(basename "$1"): $(tr -d '\0' <"$work/msi.log" 2>/dev/null | grep -i 'return value 3\|error' | tail -n 3)"
  wineserver_ -w
}

# An older installer: the same one with another version.
make_older() { # make_older FILE OLDER
  cp "$1" "$2"
  msibuild "$2" -q "UPDATE \`Property\` SET \`Value\` = '0.0.1' WHERE \`Property\` = 'ProductVersion'" \
    -q "UPDATE \`Property\` SET \`Value\` = '{00000000-0000-4000-8000-000000000001}' WHERE \`Property\` = 'ProductCode'" \
    -q "DELETE FROM \`Upgrade\`"
  msibuild "$2" -s 'Rollcall 0.0.1' 'The Rollcall contributors' 'x64;1033' '{00000000-0000-4000-8000-000000000002}'
}

check_installer() {
  local msi=$out/rollcall-$version-windows-x86_64.msi
  [[ -s $msi ]] || die "$msi is not there: run dist/windows/package.sh"
  local folder=$profile/AppData/Local/Programs/Rollcall
  local link="$profile/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Rollcall.lnk"
  local uninstall='Software\Microsoft\Windows\CurrentVersion\Uninstall' entries

  make_older "$msi" "$work/older.msi"
  install_msi "$work/older.msi"
  [[ -s $folder/rollcall.exe ]] || fail "the older installer installed nothing"
  install_msi "$msi"
  entries=$({ registry "HKCU\\$uninstall"; registry "HKLM\\$uninstall"; } | grep -c 'DisplayName.*Rollcall' || true)
  [[ $entries -eq 1 ]] || fail "$entries entries under the installed apps after an upgrade; wanted 1"
  { registry "HKCU\\$uninstall"; registry "HKLM\\$uninstall"; } | grep -q "DisplayVersion *REG_SZ *$version\$" ||
    fail "the installed apps do not name the version $version"
  msiextract --list "$msi" | sed 's|^Programs/Rollcall/||' | sort >"$work/wanted"
  (cd "$folder" && find . -type f | sed 's|^\./||' | sort) >"$work/there"
  diff "$work/wanted" "$work/there" >&2 || fail "not all files were installed"
  [[ -s $link ]] || fail "there is no entry in the Start menu"
  registry 'HKCU\Software\Classes\.rollcall' | grep -q 'REG_SZ *Rollcall\.Site$' || fail "the file type is not there"
  registry 'HKCU\Software\Classes\Rollcall.Site' >"$work/type"
  grep -q 'rollcall\.exe",0$' "$work/type" || fail "the file type has no icon"
  grep -q 'REG_SZ *".*\\AppData\\Local\\Programs\\Rollcall\\rollcall\.exe" "%1"$' "$work/type" || fail "the file type does not open"
  say "installed over an older version: $(wc -l <"$work/there") files, Start menu and file type are there"

  # A site of the person's, made by the program beside the window.
  local site=$profile/Documents/hall.rollcall annex=$profile/Documents/annex.rollcall
  printf 'name,mac,serial\r\nrack one,02:00:5e:10:00:01,0012345\r\n' >"$work/import.csv"
  mkdir -p "$profile/Documents"
  timeout 60 wine "$folder/rollcall-cli.exe" import --site "$(windows_path "$site")" "$(windows_path "$work/import.csv")" \
    >"$log" 2>&1 </dev/null || fail "rollcall-cli could not make a site"
  [[ -s $site ]] || fail "rollcall-cli made no site"
  cp "$site" "$annex"
  # By its file type, as a double click does. Wine 8 does not look for types among those of one person, so what
  # Windows would read is read here.
  local opener
  opener=$(sed -n 's/^ *(Default) *REG_SZ *"\([^"]*\)" "%1"$/\1/p' "$work/type")
  wine "$opener" "$(windows_path "$site")" >"$log" 2>&1 </dev/null &
  app_pid=$!
  wait_for_window 'Rollcall.*hall'
  sleep 2
  shot site
  # A second start hands its site to the window, and ends.
  timeout 60 wine "$opener" "$(windows_path "$annex")" >"$work/second.log" 2>&1 </dev/null || fail "the second start did not end in order"
  wait_until 30 "the window to show the site of the second start" has_window 'Rollcall.*annex'
  close_window
  timeout 60 wine "$folder/rollcall-cli.exe" export --site "$(windows_path "$site")" >"$work/site.csv" 2>"$log" </dev/null || fail "the site cannot be read"
  grep -q 'rack one' "$work/site.csv" || fail "the site lost its unit"
  say "a site opened by its file type, and a second start's site in the same window"
  wine start "$(windows_path "$link")" >"$log" 2>&1 </dev/null || fail "the entry in the Start menu starts nothing"
  wait_for_window Rollcall
  close_window
  say "the program opened from the Start menu"

  local settings=$profile/AppData/Roaming/rollcall/config/settings.json
  [[ -s $settings ]] || fail "there are no settings to be left"
  timeout 300 wine msiexec /x "$(windows_path "$msi")" /qn >"$log" 2>&1 || fail "msiexec could not uninstall"
  wineserver_ -w
  [[ ! -e $folder ]] || fail "files are left: $(find "$folder")"
  [[ ! -e $link ]] || fail "the entry in the Start menu is left"
  local key
  for key in 'HKCU\Software\Classes\.rollcall' 'HKCU\Software\Classes\Rollcall.Site' 'HKCU\Software\Rollcall'; do
    ! registry "$key" | grep -q . || fail "$key is left in the registry: $(registry "$key")"
  done
  ! { registry "HKCU\\$uninstall"; registry "HKLM\\$uninstall"; } | grep -q Rollcall || fail "it is still among the installed apps"
  [[ -s $site && -s $settings ]] || fail "the person's site or settings are gone"
  say "uninstalled: files, registry and Start menu are clean, the site and the settings stay"
}

check_tests() {
  local skip=() name status=0
  for name in "${left_out[@]}"; do
    skip+=(--skip "$name")
  done
  # Wine has a home of its own here; cargo needs the usual one.
  HOME=$build_home CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$work/runner \
    cargo_test --no-fail-fast -- "${skip[@]}" 2>&1 | tee "$work/tests" || status=$?
  awk -v out="${#left_out[@]}" '/^test result/ { passed += $4; failed += $6; ignored += $8 }
    END { printf "%d passed, %d failed, %d ignored, %d left out by name\n", passed, failed, ignored, out }' "$work/tests" >"$work/sum"
  say "$(<"$work/sum")"
  [[ $status -eq 0 ]] || die "tests failed"
}
# Cargo's runner: wine, with the home of the prefix.
printf '#!/bin/sh\nHOME=%s exec wine "$@"\n' "$HOME" >"$work/runner"
chmod +x "$work/runner"

steps=("$@")
[[ ${#steps[@]} -gt 0 ]] || steps=(window installer)
for step in "${steps[@]}"; do
  case $step in
    window | installer | tests) "check_$step" ;;
    *) die "there is no step $step: window, installer, tests" ;;
  esac
done
