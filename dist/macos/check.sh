#!/usr/bin/env bash
# Type-checks everything for macOS, Apple and Intel processors, on a machine that has std for them but neither Apple's C
# compiler nor its headers. Nothing is linked, so SQLite, which is C, is stood in for by empty object files.
#
# dist/macos/check.sh [ARGUMENT...]    arguments for `cargo check`; --all-targets without any
#
# RUSTC, CARGO        where std for these targets does not come from rustup
# ROLLCALL_TARGETS    to check one of them only
set -euo pipefail
cd "$(dirname "$0")/../.."

stand_in=$(mktemp -d)
trap 'rm -rf "$stand_in"' EXIT
cat >"$stand_in/cc" <<'END'
#!/bin/sh
# What would be compiled into a file makes that file, empty; questions about the compiler go to the one of this machine.
case " $* " in *" -c "*) ;; *) exec cc "$@" ;; esac
while [ $# -gt 1 ]; do
  if [ "$1" = -o ]; then : >"$2"; fi
  shift
done
END
chmod +x "$stand_in/cc"

[[ $# -gt 0 ]] || set -- --all-targets
for triple in ${ROLLCALL_TARGETS:-aarch64-apple-darwin x86_64-apple-darwin}; do
  key=${triple//-/_}
  env "CC_$key=$stand_in/cc" "AR_$key=ar" "${CARGO:-cargo}" check --locked --target "$triple" "$@"
  printf 'checked for %s\n' "$triple"
done
