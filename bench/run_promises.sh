#!/bin/sh
# Measures on this machine what is promised of the engine, each beside its aim: warm verdicts, cold names, two shards, overload, a DNS
# black-out, memory over millions of requests, memory asked for on the hot path. Prints a section for bench/RESULTS.md.
#
#   sh bench/run_promises.sh [--quick] [warm|cold|shards|overload|blackout|soak|flat|policies]...     default: all, about 20 minutes
#
# What each measures and how it is reckoned stands at the top of bench/promises/NAME.py. Nothing leaves the machine. DNS is an NSD
# on loopback with the corpus' zones (cold, blackout), or the corpus as local data.
#
# BENCH_BUILD   build folder, release; default build-bench at the top of the tree
# BENCH_WORK    corpora and logs; default a temporary folder that goes away
# BENCH_PORT    a port on 127.0.0.1; default 25453
# BENCH_CORES   default 0,1
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
BENCH_BUILD=${BENCH_BUILD:-$root/build-bench}
export BENCH_BUILD

echo "== building (release) in $BENCH_BUILD" >&2
[ -f "$BENCH_BUILD/build.ninja" ] || meson setup --buildtype=release -Dtests=false "$BENCH_BUILD" "$root" >/dev/null
ninja --quiet -C "$BENCH_BUILD" >&2
exec python3 -B "$root/bench/promises/main.py" "$@"
