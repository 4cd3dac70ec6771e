# SPDX-License-Identifier: GPL-3.0-or-later
# Shared by ./run and ./test: set up, configure, build. Source it; $root is the checkout.
# shellcheck shell=bash

# build TARGET...: leaves the programs in $root/build/bin. Output only where something is done.
build() {
  local cuda
  cuda=$("$root/scripts/setup")
  if [ ! -f "$root/build/build.ninja" ] || ! grep -q "^PARADIGM_CUDA:STRING=$cuda$" "$root/build/CMakeCache.txt"; then
    echo "configuring (CUDA $cuda)" >&2
    (cd "$root" && cmake --preset release -DPARADIGM_CUDA="$cuda" >"$root/configure.log" 2>&1) ||
      { cat "$root/configure.log" >&2; rm -f "$root/configure.log"; exit 1; }
    mv "$root/configure.log" "$root/build/configure.log"
  fi
  # With nothing to do ninja says one line; keep it for the log, not for the user.
  NINJA_STATUS='[%f/%t, %es] ' ninja -C "$root/build" "$@" >&2
}
