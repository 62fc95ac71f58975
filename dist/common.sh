# shellcheck shell=bash
# What the packaging scripts share. Sourced, never run; the caller is at the top of the checkout with `set -euo pipefail`.
#
# ROLLCALL_OUT         where packages go (default: packages in the target directory)
# ROLLCALL_TOOLS       where tools of cargo are installed (default: the user's cache folder)
# SOURCE_DATE_EPOCH    the time in all packages (default: that of the commit), so that they can be repeated

# The version has one place.
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
target=${CARGO_TARGET_DIR:-$PWD/target}
[[ $target == /* || $target == ?:* ]] || target=$PWD/$target
out=${ROLLCALL_OUT:-$target/packages}
# Files on their way into a package.
stage=$out/stage
tools=${ROLLCALL_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/rollcall/tools}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
export PATH="$tools/bin:$PATH"
mkdir -p "$out" "$stage"

# No path of this machine goes into the programs: it would tell who built them, and no one else could build the same.
# (Our own files are named relative to the checkout anyway.) Of several that match, rustc takes the last.
native() { if command -v cygpath >/dev/null; then cygpath -w "$1"; else printf '%s' "$1"; fi; }
flags=${CARGO_ENCODED_RUSTFLAGS:-${RUSTFLAGS:+${RUSTFLAGS// /$'\x1f'}}}
# One script starts another, and different flags would be another build.
if [[ $flags != *--remap-path-prefix=* ]]; then
  for pair in "$HOME=/home" "${RUSTUP_HOME:-$HOME/.rustup}=/rustup" "${CARGO_HOME:-$HOME/.cargo}=/cargo" "$target=/target"; do
    flags+=${flags:+$'\x1f'}--remap-path-prefix=$(native "${pair%=*}")=${pair##*=}
  done
  # On Windows nothing is to be installed before Rollcall starts, so the runtime of MSVC goes inside. It stands here
  # since these flags replace all others.
  [[ $(uname -s) != MINGW* ]] || flags+=$'\x1f-Ctarget-feature=+crt-static'
fi
export CARGO_ENCODED_RUSTFLAGS=$flags
unset pair flags

say() { printf '%s: %s\n' "$(basename "$(dirname "$0")")/$(basename "$0")" "$*"; }

die() {
  printf '%s: %s\n' "$(basename "$(dirname "$0")")/$(basename "$0")" "$*" >&2
  exit 1
}

# need COMMAND:PACKAGE...: Debian packages whose command is missing are installed where that may be done, named otherwise.
need() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    die "tools are missing; on Debian: sudo apt-get install ${missing[*]}"
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# cargo_tool CRATE VERSION [ARGUMENT...]: a tool of cargo at exactly this version, built once. Speed does not matter,
# build time does, so without debug information; the flags for our own programs are none of the tool's business.
cargo_tool() {
  local stamp=$tools/$1-$2
  [[ -e $stamp ]] && return 0
  say "installing $1 $2"
  local started=$SECONDS
  env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR="$tools/target" \
    nice cargo install --quiet --locked --debug --root "$tools" --version "$2" --force "$1" "${@:3}"
  touch "$stamp"
  say "installed $1 $2 in $((SECONDS - started)) s"
}

# This version's part of the changelog, without its heading.
changes() {
  awk -v heading="[$version]" '/^## / { inside = $2 == heading; next } inside' CHANGELOG.md | sed '/./,$!d'
}
