#!/bin/sh
# Measures the engine on this machine: the floor, warm verdicts, cold names, the transport beside libnng's. Prints
# medians, their spread and ratios as a section for bench/RESULTS.md.
#
#   sh bench/run_engine.sh [--quick] [ROUNDS]     default: 5 rounds
#
# The daemon (one shard) and its peers run on the first core, the load on the second; every round measures everything
# once, so that what disturbs the machine meets all alike. CPU time counts (schedstat), not wall time. Nothing
# leaves the machine: DNS is an NSD on loopback with the corpus' zones (without nsd: local data, no cold names).
#
# BENCH_BUILD   build folder, release; default build-bench at the top of the tree
# BENCH_WORK    corpora and logs; default a temporary folder that goes away
# BENCH_PORT    first of three ports on 127.0.0.1; default 25353
# BENCH_CORES   default 0,1
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
build=${BENCH_BUILD:-$root/build-bench}
port=${BENCH_PORT:-25353}
cores=${BENCH_CORES:-0,1}
core_server=${cores%,*}
core_load=${cores#*,}
rounds=5
seconds=3
messages=2000
if [ "${1:-}" = --quick ]; then
	rounds=1
	seconds=1
	messages=500
	shift
fi
rounds=${1:-$rounds}
pids=
work=${BENCH_WORK:-}
temporary=
if [ -z "$work" ]; then
	work=$(mktemp -d "${TMPDIR:-/tmp}/assay-bench.XXXXXX")
	temporary=$work
fi
mkdir -p "$work/nsd"

# Only what was started here is ended, by number.
finish() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null || :
	done
	wait
	[ -z "$temporary" ] || rm -rf "$temporary"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
	echo "$*" >&2
}

# wait_for FILE WORD: until the word stands in the file.
wait_for() {
	tries=0
	until grep -q "$2" "$1" 2>/dev/null; do
		tries=$((tries + 1))
		if [ "$tries" -gt 300 ]; then
			say "no \"$2\" in $1 after 30 s:"
			cat "$1" >&2
			exit 1
		fi
		sleep 0.1
	done
}

say "== building (release) in $build"
[ -f "$build/build.ninja" ] || meson setup --buildtype=release -Dtests=false "$build" "$root" >"$work/build.log"
ninja -C "$build" >>"$work/build.log" || {
	tail -n 40 "$work/build.log" >&2
	exit 1
}

say "== corpora"
[ -f "$work/mixed/corpus.json" ] ||
	"$build/bench/assay-corpus" --messages "$messages" --domains 1000 "$work/mixed"
[ -f "$work/plain/corpus.json" ] ||
	"$build/bench/assay-corpus" --messages "$messages" --domains 1000 --plain --median 8192 --mean 8192 "$work/plain"

# daemon NAME CORPUS PORT: starts NSD and an assayd for a corpus; sets daemon_NAME to its process.
daemon() {
	name=$1
	corpus=$2
	dns="zone-file = \"$corpus/all.zone\""
	if command -v nsd >/dev/null; then
		mkdir -p "$work/nsd/$name"
		cat >"$work/nsd/$name/nsd.conf" <<-CONF
		server:
		  server-count: 1
		  ip-address: 127.0.0.1@$3
		  username: ""
		  rrl-ratelimit: 0
		  tcp-count: 1000
		  chroot: ""
		  database: ""
		  zonesdir: "$corpus"
		  zonelistfile: "$work/nsd/$name/zone.list"
		  xfrdfile: "$work/nsd/$name/xfrd.state"
		  xfrdir: "$work/nsd/$name"
		  pidfile: "$work/nsd/$name/nsd.pid"
		remote-control:
		  control-enable: no
		zone:
		  name: "test"
		  zonefile: "test.zone"
		zone:
		  name: "example"
		  zonefile: "example.zone"
		CONF
		taskset -c "$core_load" nsd -d -c "$work/nsd/$name/nsd.conf" 2>"$work/nsd/$name/log" &
		pids="$pids $!"
		wait_for "$work/nsd/$name/log" "nsd started"
		dns="forward = {\"127.0.0.1@$3\"}"
	fi
	cat >"$work/$name.conf" <<-CONF
	listen = {"ipc://$work/$name.sock", "tcp://127.0.0.1:$(($3 + 1))"}
	shards = 1
	authserv-id = "mx.example.org"
	dns { $dns max-queries-per-domain = 65536 }
	CONF
	taskset -c "$core_server" "$build/assayd" -c "$work/$name.conf" 2>"$work/$name.log" &
	pids="$pids $!"
	eval "daemon_$name=$!"
	wait_for "$work/$name.log" ready
}

say "== starting"
daemon mixed "$work/mixed" "$port"
daemon plain "$work/plain" "$((port + 10))"
taskset -c "$core_server" "$build/bench/nng_echo" "ipc://$work/echo.sock" 2>"$work/echo.log" &
echo_ipc=$!
pids="$pids $!"
taskset -c "$core_server" "$build/bench/nng_echo" "tcp://127.0.0.1:$((port + 20))" 2>"$work/echo_tcp.log" &
echo_tcp=$!
pids="$pids $!"
wait_for "$work/echo.log" ready
wait_for "$work/echo_tcp.log" ready

# value JSON NAME: a number of an object.
value() {
	echo "$1" | sed -n "s/.*\"$2\":\([-0-9.e]*\).*/\1/p"
}

# note NAME VALUE: into the list that medians are made of.
note() {
	echo "$1 $2" >>"$work/values"
}

# bench NAME PID ARGUMENT...: one measurement.
bench() {
	name=$1
	pid=$2
	shift 2
	json=$(taskset -c "$core_load" "$build/assay-bench" "$@" --json --server-pid "$pid" -d "$seconds" -w 0.3 \
		2>>"$work/bench.log") || say "   $name: not every answer was right; see $work/bench.log"
	note "$name" "$(value "$json" server_cpu_us)"
	note "$name.own" "$(value "$json" own_cpu_us)"
	note "$name.rate" "$(value "$json" replies_per_second)"
	note "$name.core" "$(value "$json" server_core_share)"
	note "$name.mismatches" "$(value "$json" mismatches)"
}

# floor NAME CORPUS: on the server's core, and its CPU time too.
floor() {
	json=$(taskset -c "$core_server" "$build/bench/floor" --json --rounds 3 "$2")
	note "$1" "$(value "$json" cpu_us)"
	note "$1.hashes" "$(value "$json" hashes_us)"
	note "$1.signatures" "$(value "$json" signatures_us)"
}

# The corpora's names are asked for once, so that the first round is warm too.
# shellcheck disable=SC2154  # set by eval
for name in mixed plain; do
	eval "pid=\$daemon_$name"
	"$build/assay-bench" check -s "ipc://$work/$name.sock" -w 0 -d 0.1 "$work/$name" >"$work/warm.$name" 2>&1 || :
done

: >"$work/values"
round=1
# shellcheck disable=SC2154
while [ "$round" -le "$rounds" ]; do
	say "== round $round of $rounds"
	for name in mixed plain; do
		eval "pid=\$daemon_$name"
		floor "floor_$name" "$work/$name"
		bench "warm_$name" "$pid" check -s "ipc://$work/$name.sock" "$work/$name"
	done
	bench warm_mixed_tcp "$daemon_mixed" check -s "tcp://127.0.0.1:$((port + 1))" "$work/mixed"
	bench sender "$daemon_mixed" sender -s "ipc://$work/mixed.sock" "$work/mixed"
	for octets in 1024 25600 65536; do
		bench "refused_ipc_$octets" "$daemon_mixed" refused -s "ipc://$work/mixed.sock" --octets "$octets"
		bench "echo_ipc_$octets" "$echo_ipc" echo -s "ipc://$work/echo.sock" --octets "$octets"
		bench "refused_tcp_$octets" "$daemon_mixed" refused -s "tcp://127.0.0.1:$((port + 1))" --octets "$octets"
		bench "echo_tcp_$octets" "$echo_tcp" echo -s "tcp://127.0.0.1:$((port + 20))" --octets "$octets"
	done
	bench status_ipc_1024 "$daemon_mixed" status -s "ipc://$work/mixed.sock" --octets 1024
	if command -v nsd >/dev/null; then
		bench cold "$daemon_mixed" check -s "ipc://$work/mixed.sock" -c 8 -i 4 --cold 100 "$work/mixed"
	fi
	json=$(taskset -c "$core_load" "$build/assay-bench" idle -d 1 --json)
	note idle_p99_us "$(awk "BEGIN { print $(value "$json" p99) / 1000 }")"
	round=$((round + 1))
done

# median NAME; spread NAME
median() {
	awk -v name="$1" '$1 == name && $2 != "" { print $2 }' "$work/values" | sort -g |
		awk '{ v[NR] = $1 } END { if (NR) printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
spread() {
	awk -v name="$1" '$1 == name && $2 != "" { print $2 }' "$work/values" | sort -g |
		awk 'NR == 1 { a = $1 } { b = $1 } END { printf "%.2f to %.2f", a, b }'
}
ratio() {
	awk -v a="$(median "$1")" -v b="$(median "$2")" 'BEGIN { if (b > 0) printf "%.2f", a / b; else printf "-" }'
}

cat <<TEXT

## $(date -u +%Y-%m-%d): the engine

\`sh bench/run_engine.sh $rounds\` at $(git -C "$root" describe --always --dirty 2>/dev/null || echo "no revision"), release build
(\`--buildtype=release\`), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, Linux $(uname -r), load average
$(cut -d' ' -f1-3 /proc/loadavg) at the end. CPU microseconds a request of the daemon (one shard) or peer, network included:
median of $rounds interleaved rounds of $seconds s, and least to most. 32 connections x 8 in flight; mixed corpus:
$(sed 's/.*"octets_mean":\([0-9]*\),"octets_median":\([0-9]*\).*/median \2, mean \1 octets/' "$work/mixed/corpus.json"); plain corpus: 8 KiB, one RSA-2048 signature each.

| | CPU us | spread | beside the floor |
|---|---|---|---|
| floor, mixed | $(median floor_mixed) (hashes $(median floor_mixed.hashes), signatures $(median floor_mixed.signatures)) | $(spread floor_mixed) | 1 |
| warm verdict, mixed, ipc | $(median warm_mixed) | $(spread warm_mixed) | $(ratio warm_mixed floor_mixed) |
| warm verdict, mixed, tcp | $(median warm_mixed_tcp) | $(spread warm_mixed_tcp) | $(ratio warm_mixed_tcp floor_mixed) |
| floor, plain | $(median floor_plain) (hashes $(median floor_plain.hashes), signatures $(median floor_plain.signatures)) | $(spread floor_plain) | 1 |
| warm verdict, plain, ipc | $(median warm_plain) | $(spread warm_plain) | $(ratio warm_plain floor_plain) |
| SPF alone (CheckSender), ipc | $(median sender) | $(spread sender) | |
| unseen sender (8 x 4 in flight) | $(median cold) | $(spread cold) | |

| octets in, no verification | assayd | spread | libnng echo | spread | ratio |
|---|---|---|---|---|---|
$(for transport in ipc tcp; do
	for octets in 1024 25600 65536; do
		a=refused_${transport}_$octets
		b=echo_${transport}_$octets
		echo "| $octets, $transport | $(median "$a") | $(spread "$a") | $(median "$b") | $(spread "$b") | $(ratio "$a" "$b") |"
	done
done)
| 1024, ipc, Status | $(median status_ipc_1024) | $(spread status_ipc_1024) | $(median echo_ipc_1024) | | $(ratio status_ipc_1024 echo_ipc_1024) |

Wrong verdicts: $(awk '$1 ~ /mismatches$/ { sum += $2 } END { print sum + 0 }' "$work/values"). Share of its core that the daemon got, warm mixed: $(median warm_mixed.core). assay-bench's own CPU: $(median warm_mixed.own) us a message,
$(median refused_ipc_1024.own) us a request of 1 KiB. p99 of an idle timer: $(median idle_p99_us) us.
TEXT
