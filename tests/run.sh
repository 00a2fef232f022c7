#!/bin/sh
# All tests, from a clean clone: installs what is missing (as root; anyone else is told what), builds four times, runs,
# and ends with one line: "N passed, N failed, N skipped". Exit status 0 when nothing failed.
#
#   build        gcc, as it is released: everything, and the quick start
#   build-asan   clang, address and undefined-behaviour sanitizers: everything but the comparison with other
#                implementations; the nng soak is 30 s here
#   build-tsan   clang, thread sanitizer: the tests in which threads meet; the daemon has two shards and is asked by the
#                programs of the first build
#   build-arena  clang, address sanitizer, every arena object an allocation of its own: unit tests
#
# ASSAY_BUILD_ROOT   where these folders go; default: the top of the tree, or ~/.cache/assay when that is not ours
# ASSAY_CORPUS       the conformance corpus; default: ../shared/corpus beside the tree. Without it its tests are skipped
# ASSAY_BUILDS       which of the four; default: all
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/assay-tests.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
. "$root/deploy/common.sh"

tsan_tests="unit.cache unit.policies unit.client_call unit.client_mail unit.client_servers unit.client_links unit.client_life sim.engine
	e2e.command e2e.messages e2e.dns_silence e2e.start_stop e2e.spread e2e.mta_sts e2e.chaos e2e.digest e2e.nng_peers e2e.nng_soak e2e.tls
	e2e.tls_traffic"
builds=${ASSAY_BUILDS:-build build-asan build-tsan build-arena}
passed=0
failed=0
skipped=0

# count OUTCOME NAME: one result that is not from meson.
count() {
	if [ "$1" = passed ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		say "FAIL $2"
	fi
}

# configure FOLDER COMPILER OPTION...
configure() {
	folder=$build_root/$1
	compiler=$2
	shift 2
	if [ -f "$folder/build.ninja" ]; then
		CC=$compiler meson setup --reconfigure -Dtests=true "$@" "$folder" "$root"
	else
		CC=$compiler meson setup -Dtests=true "$@" "$folder" "$root"
	fi
}

# make FOLDER COMPILER OPTION...: configures and builds; what it says is shown only when it fails.
make() {
	say "== $1: building"
	if { configure "$@" && ninja -C "$build_root/$1"; } >"$scratch/log" 2>&1; then
		return 0
	fi
	tail -n 60 "$scratch/log"
	count failed "$1: does not build"
	return 1
}

# known LOG: what is listed as not agreeing with the corpus yet, with its reason.
known() {
	grep '^known ' "$1" || :
}

# failures LOG: what the failed tests said of it; all that they wrote is in the log.
failures() {
	grep -E '^FAIL|ERROR|FAILED|Traceback|Error:|Sanitizer:|runtime error' "$1" | head -n 100
	say "More in $1"
}

# run FOLDER MESON-TEST-ARGUMENT...
run() {
	folder=$1
	shift
	say "== $folder: testing"
	meson test -C "$build_root/$folder" --no-rebuild --print-errorlogs --logbase "$folder" "$@" >"$scratch/log" 2>&1 || :
	grep -E '^ *[0-9]+/[0-9]+ ' "$scratch/log" || :
	if ! totals=$(/usr/bin/python3 "$root/tests/tally.py" "$build_root/$folder/meson-logs/$folder.json"); then
		tail -n 60 "$scratch/log"
		count failed "$folder: the tests did not run"
		return
	fi
	# shellcheck disable=SC2086  # three numbers
	set -- $totals
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
	[ "$folder" != build ] || known "$build_root/$folder/meson-logs/$folder.txt"
	[ "$2" = 0 ] || failures "$build_root/$folder/meson-logs/$folder.txt"
}

quickstart() {
	say "== quick start"
	if sh "$root/deploy/quickstart.sh" >"$scratch/log" 2>&1; then
		count passed quickstart
	else
		tail -n 60 "$scratch/log"
		count failed quickstart
	fi
}

# shellcheck disable=SC2086  # $tsan_tests is a list
run_build() {
	case $1 in
	build)
		make build gcc -Dwerror=true && run build && quickstart
		;;
	build-asan)
		make build-asan clang -Dwerror=true -Db_sanitize=address,undefined -Db_lundef=false &&
			run build-asan --no-suite differential --no-suite bench
		;;
	build-tsan)
		export ASSAY_SHARDS=2
		[ ! -x "$build_root/build/assay" ] || export ASSAY_CLIENTS="$build_root/build"
		make build-tsan clang -Db_sanitize=thread -Db_lundef=false && run build-tsan $tsan_tests
		unset ASSAY_SHARDS ASSAY_CLIENTS
		;;
	build-arena)
		make build-arena clang -Db_sanitize=address,undefined -Db_lundef=false -Darena-malloc=true &&
			run build-arena --no-suite e2e --no-suite corpus --no-suite soak --no-suite differential --no-suite bench
		;;
	*) die "ASSAY_BUILDS: there is no build \"$1\"" ;;
	esac
}

packages_need build test
build_root_find
export ASSAY_BUILD_ROOT="$build_root"
# Reports of sanitizers are failures; leaks count.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=0:atexit_sleep_ms=50:suppressions=$root/tests/tsan.supp}"

for name in $builds; do
	run_build "$name" || :
done
say "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
