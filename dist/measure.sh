#!/usr/bin/env bash
# Measures the whole program in a release build under Xvfb with software GL: start to first frame, memory empty and
# with 100,000 units, and what it does when idle. Prints a table with the bars; exits with 1 when one is missed.
#
#   dist/measure.sh [start] [memory] [idle]      all three without an argument; idle alone takes five minutes
#
# ROLLCALL_BIN   the window's binary (default: release/rollcall in $CARGO_TARGET_DIR or target)
# ROLLCALL_SITE  a site of 100,000 units; made when unset (cargo test --release --test measured_site)
#
# What is measured:
#   start   from just before exec until the window's content is on the screen: Xvfb keeps its screen in a file that
#           is looked at every 5 ms, and where the top bar and the counters are there must be at least 8 colors, which
#           takes text. Before each start there must be one color only.
#           The median of 9 starts, after one that is not counted (so that files are in memory, as at a second start).
#   memory  VmRSS when it was steady for 5 s, in full and without the files of the software GL (libLLVM, libgallium):
#           no laptop with a graphics driver loads these, so the bar is held against the second.
#   idle    over 60 s, 65 s after the start, with nothing heard: CPU time of the whole process; and the turns of its
#           main thread, the only one that draws. A thread that sleeps takes no turn, so 0 turns are 0 repaints.
#           With live search on, a frame is drawn every second; the software GL's threads, which do a graphics card's
#           work, are told apart, and the bar is held against the rest.
#
# needs: xvfb openbox xdotool perl and software GL (.ci/run has the list)
set -euo pipefail
cd "$(dirname "$0")/.."

# Nothing is asked on the real network: the program runs in a network of its own, with one interface and nobody on it.
if [[ -z ${MEASURE_INSIDE:-} ]]; then
  [[ $(id -u) -eq 0 ]] || { echo "measure: needs root, for a network of its own" >&2; exit 2; }
  # shellcheck disable=SC2016
  MEASURE_INSIDE=1 exec unshare --net -- bash -c '
    ip link set lo up
    ip link add nic0 type veth peer name far0
    ip addr add 10.77.0.5/16 dev nic0
    ip link set nic0 up && ip link set far0 up
    exec "$0" "$@"' "dist/$(basename "$0")" "$@"
fi

bin=${ROLLCALL_BIN:-${CARGO_TARGET_DIR:-target}/release/rollcall}
start_runs=9
start_bar_millis=500
memory_bar_kib=$((300 * 1000 * 1000 / 1024))
settle_secs=65       # one minute after the last datagram, and the first frames
idle_secs=60
parts=${*:-start memory idle}

work=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-measure.XXXXXX")
x_pid='' wm_pid='' app_pid='' missed=0

say() { printf 'measure: %s\n' "$*" >&2; }

die() {
  say "$*"
  [[ ! -s $work/app.log ]] || tail -n 20 "$work/app.log" >&2
  exit 2
}

end_app() {
  [[ -n $app_pid ]] || return 0
  kill "$app_pid" 2>/dev/null || true
  # The perl that started it is gone, and where nobody else waits for it a zombie is left.
  while grep -q '^State:[[:space:]]*[^Z[:space:]]' "/proc/$app_pid/status" 2>/dev/null; do sleep 0.05; done
  app_pid=''
}

clean_up() {
  end_app
  local pid
  for pid in "$wm_pid" "$x_pid"; do
    [[ -z $pid ]] || kill "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean_up EXIT

row() { printf '%-44s %14s  %-14s %s\n' "$1" "$2" "$3" "$4"; }

verdict() { # verdict FIGURE BAR: whole numbers
  if [[ $1 -le $2 ]]; then printf 'met'; else printf 'MISSED'; fi
}

judge() { # judge WHAT FIGURE UNIT BAR
  local word
  word=$(verdict "$2" "$4")
  [[ $word == met ]] || missed=1
  row "$1" "$2 $3" "bar $4 $3" "$word"
}

for tool in Xvfb openbox xdotool perl; do
  command -v "$tool" >/dev/null || die "$tool is missing; .ci/run has the list of packages"
done
[[ -x $bin ]] || die "$bin is not there; build it first: cargo build --release"
bin=$(realpath "$bin")

site=${ROLLCALL_SITE:-}
[[ -z $site ]] || site=$(realpath "$site")
if [[ -z $site && $parts == *memory* ]]; then
  site=$work/hall.rollcall
  say "making a site of 100,000 units"
  ROLLCALL_MEASURED_SITE=$site cargo test --release --quiet --test measured_site -- --ignored >"$work/site.log" 2>&1 ||
    { cat "$work/site.log" >&2; die "the site was not made"; }
fi

# A person who has never started it: nothing of this machine's home, desktop session or settings.
export HOME=$work/home XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data XDG_STATE_HOME=$work/state \
  XDG_CACHE_HOME=$work/cache XDG_RUNTIME_DIR=$work/run
mkdir -p "$HOME" "$XDG_CONFIG_HOME/rollcall" "$XDG_DATA_HOME" "$XDG_STATE_HOME" "$XDG_CACHE_HOME" "$work/screen"
mkdir -m 700 "$XDG_RUNTIME_DIR"
unset WAYLAND_DISPLAY WAYLAND_SOCKET DBUS_SESSION_BUS_ADDRESS
export LIBGL_ALWAYS_SOFTWARE=1

Xvfb -displayfd 3 -screen 0 1440x900x24 -fbdir "$work/screen" +extension GLX +extension RANDR -nolisten tcp \
  3>"$work/display" >"$work/xvfb.log" 2>&1 &
x_pid=$!
until [[ -s $work/display ]]; do
  kill -0 "$x_pid" 2>/dev/null || die "Xvfb ended: $(tail -n 3 "$work/xvfb.log")"
  sleep 0.1
done
DISPLAY=:$(tr -d '[:space:]' <"$work/display")
export DISPLAY
openbox >"$work/openbox.log" 2>&1 &
wm_pid=$!
sleep 1
# The pointer rests in a corner: over the window it would be drawn, and show hints.
xdotool mousemove 1439 899

settings() { # settings LIVE: what is remembered from the last start
  printf '{ "live_search": %s }\n' "$1" >"$XDG_CONFIG_HOME/rollcall/settings.json"
}

# first_frame [SITE]: starts the program and sets $app_pid, and $millis until its content is on the screen.
first_frame() {
  perl -e '
    use strict; use Time::HiRes qw(time sleep);
    my ($screen, $log, @command) = @ARGV;
    my $colors = sub {
      open my $file, "<:raw", $screen or die "$screen: $!";
      # The file is an X window dump: a header that says its own length, the colors of 12 bytes, then 4 bytes a pixel.
      read $file, my $head, 100; my @head = unpack "N25", $head;
      my ($header, $stride, $num_colors) = ($head[0], $head[12], $head[19]);
      my %seen;
      for (my $y = 120; $y < 260; $y += 2) {
        seek $file, $header + 12 * $num_colors + $y * $stride + 4 * 100, 0;
        read $file, my $line, 4 * 540;
        $seen{$_}++ for unpack "(a4)*", $line;
      }
      return scalar keys %seen;
    };
    for (1..400) { last if $colors->() == 1; sleep 0.01 }
    die "the screen is not empty before the start\n" if $colors->() != 1;
    my $begin = time;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
      open STDOUT, ">", $log; open STDERR, ">&", \*STDOUT; open STDIN, "<", "/dev/null";
      exec @command or exit 127;
    }
    my $kid_ended = sub { waitpid($pid, 1) == $pid };
    while (time - $begin < 60) {
      die "it ended\n" if $kid_ended->();
      if ($colors->() >= 8) { printf "%d %d\n", $pid, 1000 * (time - $begin); exit }
      sleep 0.005;
    }
    kill "KILL", $pid; die "nothing was drawn in 60 s\n";
  ' "$work/screen/Xvfb_screen0" "$work/app.log" "$bin" "$@" >"$work/first" || die "no first frame"
  read -r app_pid millis <"$work/first"
}

status_kib() { # status_kib FIELD
  sed -n "s/^$1:[[:space:]]*\([0-9]*\) kB/\1/p" "/proc/$app_pid/status"
}

# steady_memory SITE: waits until the site is open and its memory has not changed for 5 s; sets $rss_kib and $anon_kib.
steady_memory() {
  local last=0 same=0
  for _ in $(seq 240); do
    # The log says so in the moment in which the units are there.
    ! grep -rqsF "opened the site Some(\"$1" "$XDG_STATE_HOME" "$XDG_DATA_HOME" || break
    sleep 0.25
  done
  grep -rqsF "opened the site Some(\"$1" "$XDG_STATE_HOME" "$XDG_DATA_HOME" || die "$1 was not opened"
  for _ in $(seq 120); do
    sleep 1
    rss_kib=$(status_kib VmRSS)
    if [[ $((rss_kib - last)) -lt 512 && $((last - rss_kib)) -lt 512 ]]; then same=$((same + 1)); else same=0; fi
    last=$rss_kib
    [[ $same -lt 5 ]] || break
  done
  anon_kib=$(status_kib RssAnon)
}

# driver_kib: files of the software GL in memory, which a laptop with a graphics driver does not load.
driver_kib() {
  awk '/^[0-9a-f]+-[0-9a-f]+ /{ours = $6 ~ /libLLVM|libgallium|_dri\.so|swrast|libGLX_mesa|libEGL_mesa/}
    /^Rss:/ && ours {sum += $2} END {print sum + 0}' "/proc/$app_pid/smaps"
}

cpu_ticks() { # cpu_ticks NAME: user and system time of the threads whose name begins so; all threads without a name
  cat /proc/"$app_pid"/task/*/stat 2>/dev/null |
    sed -n "s/^[0-9]* (${1:-}[^)]*) //p" | awk '{sum += $12 + $13} END {print sum + 0}'
}

main_turns() { # how often the main thread was given a CPU
  sed -n 's/^\(non\)\{0,1\}voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$app_pid/task/$app_pid/status" |
    { sum=0; while read -r count; do sum=$((sum + count)); done; echo "$sum"; }
}

# idle LIVE: over $idle_secs, sets $cpu_permille of one CPU, $gl_permille of it that the threads of the software GL
# take, $engine_permille that the engine's take, and $turns of the main thread.
idle() {
  settings "$1"
  first_frame
  sleep "$settle_secs"
  local all gl engine turns_before per_permille
  all=$(cpu_ticks) gl=$(cpu_ticks llvmpipe) engine=$(cpu_ticks rollcall-engine) turns_before=$(main_turns)
  sleep "$idle_secs"
  all=$(($(cpu_ticks) - all)) gl=$(($(cpu_ticks llvmpipe) - gl)) engine=$(($(cpu_ticks rollcall-engine) - engine))
  turns=$(($(main_turns) - turns_before))
  per_permille=$(($(getconf CLK_TCK) * idle_secs))
  cpu_permille=$((all * 1000 / per_permille)) gl_permille=$((gl * 1000 / per_permille))
  engine_permille=$((engine * 1000 / per_permille))
  end_app
}

printf 'load before: %s, %s CPUs, %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)" "$(nproc)" "$(uname -sr)"

if [[ $parts == *start* ]]; then
  settings true
  first_frame
  end_app
  runs=()
  for _ in $(seq "$start_runs"); do
    first_frame
    runs+=("$millis")
    end_app
    sleep 0.5
  done
  mapfile -t sorted < <(printf '%s\n' "${runs[@]}" | sort -n)
  say "starts: ${sorted[*]} ms"
  judge "start to first frame, median of $start_runs" "${sorted[start_runs / 2]}" ms "$start_bar_millis"
fi

if [[ $parts == *memory* ]]; then
  settings true
  first_frame
  steady_memory "$XDG_DATA_HOME"
  row "memory, empty" "$rss_kib KiB" "" "$anon_kib KiB of it anonymous"
  end_app
  first_frame "$site"
  row "start to first frame with 100,000 units" "$millis ms" "" ""
  steady_memory "$site"
  driver=$(driver_kib)
  row "memory, 100,000 units, in full" "$rss_kib KiB" "" "$anon_kib KiB anonymous, at its highest $(status_kib VmHWM) KiB"
  row "  of it files of the software GL" "$driver KiB" "" ""
  judge "  without these" "$((rss_kib - driver))" KiB "$memory_bar_kib"
  end_app
fi

if [[ $parts == *idle* ]]; then
  idle false
  judge "stopped, idle: turns of the drawing thread" "$turns" turns 0
  row "  CPU" "$cpu_permille ‰" "" "$engine_permille ‰ the engine, $gl_permille ‰ software GL"
  idle true
  row "live search, nothing heard: CPU, in full" "$cpu_permille ‰" "" "$engine_permille ‰ the engine"
  row "  of it threads of the software GL" "$gl_permille ‰" "" ""
  judge "  without these" "$((cpu_permille - gl_permille))" ‰ 9
  row "  turns of the drawing thread" "$turns turns" "" "about 20 a frame, at most one frame a second"
fi

printf 'load after: %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
exit "$missed"
