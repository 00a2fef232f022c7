#!/bin/sh
# Measures assayd beside the bare OpenSSL calls and beside its peers, on this machine: one command, everything interleaved.
#
#   sh bench/run.sh             10 to 15 minutes; writes its section of bench/RESULTS.md and bench/plots/*.svg
#   sh bench/run.sh --quick     under 3 minutes once things are built; prints the section, writes nothing of the tree
#
# What is measured stands at the top of each file of bench/run. Servers run on the first core, load and name server on the
# second. Nothing leaves the machine: where unshare(1) works, everything runs in a network namespace with nothing but loopback.
#
# As root it installs what is missing (deploy/packages.txt, kinds build and bench; mailauth by npm into the build folder). A peer
# that cannot be had is named and left out.
#
# BENCH_BUILD   build folder, release; default build-bench at the top of the tree
# BENCH_WORK    corpora and logs; default a temporary folder that goes away
# BENCH_PORT    first of some ports on 127.0.0.1; default 25353
# BENCH_CORES   default 0,1
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=deploy/common.sh
. "$root/deploy/common.sh"
BENCH_BUILD=${BENCH_BUILD:-$root/build-bench}
export BENCH_BUILD
scratch=$(mktemp -d "${TMPDIR:-/tmp}/assay-run.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# What the peers lack. nodejs that is not Debian's brings npm itself, and refuses Debian's.
bench_missing() {
	for package in $(packages_missing bench); do
		[ "$package" = npm ] && command -v npm >/dev/null || printf '%s ' "$package"
	done
}

# One by one: what cannot be had must not keep the others away.
peers_install() {
	for package in $1; do
		if [ "$(id -u)" = 0 ] && apt-get -q -y install --no-install-recommends "$package" >"$scratch/apt.log" 2>&1; then
			say "   installed: $package" >&2
		else
			say "   not installed: $package" >&2
		fi
	done
}

mailauth_install() {
	[ ! -e "$BENCH_BUILD/mailauth/node_modules/.bin/node" ] || return 0
	command -v npm >/dev/null || { say "   not installed: mailauth (there is no npm)" >&2; return 0; }
	mkdir -p "$BENCH_BUILD/mailauth"
	cp "$root/bench/peers/package.json" "$root/bench/peers/package-lock.json" "$BENCH_BUILD/mailauth/"
	(cd "$BENCH_BUILD/mailauth" && npm ci --silent --no-audit --no-fund) >"$scratch/npm.log" 2>&1 ||
		say "   not installed: mailauth (npm ci: $(tail -n 1 "$scratch/npm.log"))" >&2
}

say "== installing and building (release) in $BENCH_BUILD" >&2
packages_need build >&2
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
missing=$(bench_missing)
if [ -n "$missing" ]; then
	[ "$(id -u)" != 0 ] || apt-get -q -y update >"$scratch/apt.log" 2>&1 || say "   apt-get update failed" >&2
	peers_install "$missing"
fi
command -v nsd >/dev/null || die "nsd is needed: it answers for the corpora's names"
# Set up anew when something came: meson looks for the peers' libraries only then.
if [ ! -f "$BENCH_BUILD/build.ninja" ]; then
	meson setup --buildtype=release -Dtests=false "$BENCH_BUILD" "$root" >"$scratch/build.log"
elif [ "$missing" != "$(bench_missing)" ]; then
	meson setup --wipe "$BENCH_BUILD" "$root" >"$scratch/build.log"
fi
ninja --quiet -C "$BENCH_BUILD" >&2
mailauth_install

world=
for flags in "" "--map-root-user"; do
	# shellcheck disable=SC2086  # none or one word
	if unshare $flags --mount --net true 2>/dev/null; then
		world="unshare $flags --mount --net"
		break
	fi
done
[ -z "$world" ] || export BENCH_WORLD=1
# shellcheck disable=SC2086  # a command
$world python3 -B "$root/bench/run/main.py" "$@"
