#!/usr/bin/env bash
# Starts the real window under Xvfb with the demo fleet, exports the inventory by keyboard, reads the file
# back and closes the window. Each step says what went wrong and leaves the log on standard error.
#
# ROLLCALL_BIN  the window's binary (default: debug/rollcall in $CARGO_TARGET_DIR or target)
# SMOKE_SHOT    where to put a picture of the window, as a PNG; nothing when unset
#
# needs: xvfb openbox xdotool imagemagick procps and software GL (.ci/run has the list)
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${ROLLCALL_BIN:-${CARGO_TARGET_DIR:-target}/debug/rollcall}
window_title='Rollcall'      # how the window's title begins
export_key='ctrl+e'          # opens "Export inventory" with the path field focused
close_key='alt+F4'           # openbox asks the window to close, as its close button would
least_units=20               # of the demo fleet's 24: some come late, one falls silent
header='status,name,model,class,ip,prefix,gateway,mac,serial,part_number,firmware,planned_name,planned_place,heard_on,heard_by,first_heard,last_heard,note'

work=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-smoke.XXXXXX")
log=$work/rollcall.log
x_pid='' wm_pid='' app_pid=''

say() { printf 'smoke: %s\n' "$*"; }

die() {
  printf 'smoke: %s\n' "$*" >&2
  if [[ -s $log ]]; then
    printf 'smoke: the end of its output:\n' >&2
    tail -n 40 "$log" >&2
  fi
  [[ -z ${DISPLAY:-} ]] || shot "${SMOKE_SHOT:+${SMOKE_SHOT%.png}-failed.png}"
  exit 1
}

clean_up() {
  local pid
  for pid in "$app_pid" "$wm_pid" "$x_pid"; do
    [[ -z $pid ]] || kill "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean_up EXIT

shot() { # shot FILE: nothing when FILE is empty
  [[ -n $1 ]] || return 0
  timeout 20 import -window root "$1" || say "no picture could be taken"
}

app_runs() { kill -0 "$app_pid" 2>/dev/null; }

# wait_until SECONDS WHAT COMMAND...: asks five times a second; the program dying ends the wait at once.
wait_until() {
  local seconds=$1 what=$2 end
  shift 2
  end=$((SECONDS + seconds))
  until "$@"; do
    [[ -z $app_pid ]] || app_runs || die "the program ended while waiting for $what"
    [[ $SECONDS -lt $end ]] || die "waited $seconds s in vain for $what"
    sleep 0.2
  done
}

press() { # press KEY...: to whatever has the keyboard focus
  timeout 10 xdotool key --clearmodifiers --delay 30 "$@" || die "xdotool could not press $*"
}

for tool in Xvfb openbox xdotool import timeout; do
  command -v "$tool" >/dev/null || die "$tool is missing; .ci/run has the list of packages"
done
[[ -x $bin ]] || die "$bin is not there; build it first: cargo build"
bin=$(realpath "$bin")

# A person who has never started it: nothing of this machine's home, desktop session or settings.
export HOME=$work/home XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data XDG_STATE_HOME=$work/state \
  XDG_CACHE_HOME=$work/cache XDG_RUNTIME_DIR=$work/run
mkdir -p "$HOME" "$XDG_CONFIG_HOME" "$XDG_DATA_HOME" "$XDG_STATE_HOME" "$XDG_CACHE_HOME"
mkdir -m 700 "$XDG_RUNTIME_DIR"
unset DISPLAY WAYLAND_DISPLAY WAYLAND_SOCKET DBUS_SESSION_BUS_ADDRESS
export LIBGL_ALWAYS_SOFTWARE=1 RUST_BACKTRACE=1

# ---- without a display ------------------------------------------------------------------------------------------

status=0
timeout 30 "$bin" >"$work/headless.out" 2>"$work/headless.err" </dev/null || status=$?
cp "$work/headless.err" "$log"
[[ $status -eq 2 ]] || die "without a display it should exit with 2, not with $status (124: it did not end)"
! grep -q 'panicked at' "$work/headless.err" || die "without a display it panicked"
grep -q 'rollcall-cli' "$work/headless.err" || die "without a display it should name rollcall-cli on standard error"
[[ $(grep -c . "$work/headless.err") -eq 1 ]] || die "without a display it should say one sentence on one line"
[[ ! -s $work/headless.out ]] || die "without a display it should say nothing on standard output"
rm -f "$log"
say "without a display: $(<"$work/headless.err")"

# ---- a screen of our own ----------------------------------------------------------------------------------------

Xvfb -displayfd 3 -screen 0 1440x900x24 +extension GLX +extension RANDR -nolisten tcp \
  3>"$work/display" >"$work/xvfb.log" 2>&1 &
x_pid=$!
has_display() { [[ -s $work/display ]] || kill -0 "$x_pid" 2>/dev/null || die "Xvfb ended: $(tail -n 3 "$work/xvfb.log")"; [[ -s $work/display ]]; }
wait_until 20 "Xvfb" has_display
DISPLAY=:$(tr -d '[:space:]' <"$work/display")
export DISPLAY

openbox >"$work/openbox.log" 2>&1 &
wm_pid=$!
has_window_manager() { timeout 5 xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null | grep -q 'window id'; }
wait_until 20 "openbox" has_window_manager
say "display $DISPLAY is ready"

# ---- the window -------------------------------------------------------------------------------------------------

"$bin" --demo >"$log" 2>&1 </dev/null &
app_pid=$!

window=''
has_window() {
  # A program has more windows than one can see; only visible ones count.
  window=$(timeout 5 xdotool search --onlyvisible --name "^$window_title" 2>/dev/null | head -n 1) || true
  [[ -n $window ]]
}
started=$SECONDS
wait_until 60 "a window whose title begins with $window_title" has_window
say "the window is there after $((SECONDS - started)) s"

has_focus() {
  timeout 5 xdotool windowactivate "$window" 2>/dev/null || true
  [[ $(timeout 5 xdotool getwindowfocus 2>/dev/null) == "$window" ]]
}
wait_until 20 "the window to get the keyboard" has_focus

# ---- the export -------------------------------------------------------------------------------------------------

num_rows_with_mac() {
  grep -cE '(^|,)([0-9a-f]{2}:){5}[0-9a-f]{2}(,|\r?$)' "$1" || true
}

export_inventory() { # export_inventory FILE: a new name each time, because an existing file asks first
  press "$export_key"
  # The modal is drawn in the next frame and takes the focus in the one after.
  sleep 1
  shot "${SMOKE_SHOT:+${SMOKE_SHOT%.png}-export.png}"
  press ctrl+a
  timeout 30 xdotool type --clearmodifiers --delay 15 "$1" || die "xdotool could not type the path"
  press Return
  wait_until 20 "$1 to be written after $export_key, its path and Enter" test -s "$1"
}

# Units answer over some seconds, so an early export may lack a few; asked again, it must have them.
rows=0
for try in 1 2 3 4 5 6; do
  sleep 3
  csv=$work/inventory-$try.csv
  export_inventory "$csv"
  rows=$(num_rows_with_mac "$csv")
  say "export $try: $rows units with a MAC"
  [[ $rows -lt $least_units ]] || break
done
[[ $rows -ge $least_units ]] || die "only $rows units of the demo fleet have a MAC with colons; wanted $least_units"

[[ $(head -c 3 "$csv" | od -An -tx1 | tr -d ' \n') == efbbbf ]] || die "the file does not begin with a UTF-8 byte order mark"
first_line=$(head -n 1 "$csv" | tail -c +4)
[[ $first_line == "$header"* ]] || die "the header is not that of the inventory: $first_line"
without_cr=$(grep -vc $'\r$' "$csv" || true)
[[ $without_cr -eq 0 ]] || die "$without_cr lines do not end with CR LF"
[[ $(tail -c 2 "$csv" | od -An -tx1 | tr -d ' \n') == 0d0a ]] || die "the last line does not end with CR LF"
say "the file has its mark, header, line ends and $rows units"

shot "${SMOKE_SHOT:-}"

# ---- the end ----------------------------------------------------------------------------------------------------

press "$close_key"
has_ended() { ! app_runs; }
end=$((SECONDS + 20))
until has_ended; do
  [[ $SECONDS -lt $end ]] || die "the window did not close within 20 s of $close_key"
  sleep 0.2
done
status=0
wait "$app_pid" || status=$?
app_pid=''
[[ $status -eq 0 ]] || die "it ended with $status instead of 0"
! grep -rq 'panicked at' "$log" "$XDG_DATA_HOME" "$XDG_STATE_HOME" "$XDG_CONFIG_HOME" "$XDG_CACHE_HOME" || die "it panicked"
say "it closed in order"
