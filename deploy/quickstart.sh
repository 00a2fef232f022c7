#!/bin/sh
# From a fresh clone to verdicts: builds assay, starts a daemon with a DNS zone of its own (nothing is asked outside),
# checks five messages, stops the daemon. It can be run again, from any folder, as root or not; it leaves nothing
# behind but the build folder.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
demo=$root/deploy/demo
scratch=$(mktemp -d "${TMPDIR:-/tmp}/assay-demo.XXXXXX")
daemon=
. "$root/deploy/common.sh"

clean_up() {
	status=$?
	trap - EXIT INT TERM
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || :
	rm -rf "$scratch"
	exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	strong=$(printf '\033[1m') plain=$(printf '\033[0m')
else
	strong= plain=
fi

heading() {
	say ""
	say "${strong}$*${plain}"
}

# run_quietly WHAT COMMAND...: shows the command's output only when it fails.
run_quietly() {
	what=$1
	shift
	"$@" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; die "$what failed"; }
}

build() {
	build_root_find
	build=$build_root/build
	[ -f "$build/build.ninja" ] || run_quietly "meson setup" meson setup -Dtests=false "$build" "$root"
	run_quietly "the build" ninja -C "$build" assayd assay
}

wait_until_ready() {
	tries=0
	until grep -q ready "$scratch/daemon.log"; do
		tries=$((tries + 1))
		if [ "$tries" -gt 100 ] || ! kill -0 "$daemon" 2>/dev/null; then
			cat "$scratch/daemon.log" >&2
			die "assayd did not start"
		fi
		sleep 0.1
	done
}

# A text as the right side of sed's s|||.
quoted() {
	printf '%s' "$1" | sed 's/[&|\\]/\\&/g'
}

start() {
	socket=ipc://$scratch/assayd.sock
	sed -e "s|@SOCKET@|$(quoted "$socket")|" -e "s|@ZONE@|$(quoted "$demo/demo.zone")|" "$demo/assayd.conf.in" >"$scratch/assayd.conf"
	"$build/assayd" -c "$scratch/assayd.conf" 2>"$scratch/daemon.log" &
	daemon=$!
	wait_until_ready
}

stop() {
	stopping=$daemon
	daemon=
	kill -TERM "$stopping"
	wait "$stopping" || { cat "$scratch/daemon.log" >&2; die "assayd did not end cleanly"; }
}

# check TITLE IP HELO FROM FILE
check() {
	heading "$1"
	say "connection from $2, HELO $3, MAIL FROM <$4>"
	say ""
	"$build/assay" check -s "$socket" --ip "$2" --helo "$3" --from "$4" "$demo/$5"
}

say "assay: who really sent this mail?"
packages_need build
say "Building ..."
build
start

heading "A daemon serves at $socket"
say "Its DNS is the file deploy/demo/demo.zone. Here are five messages."

check "1. A statement from the bank" \
	192.0.2.10 mail.bank.example bounces@mail.bank.example 1-statement.eml
check "2. A newsletter that a mailing list has changed on its way" \
	198.51.100.7 lists.hobby.example list-owner@hobby.example 2-newsletter.eml
check "3. A stranger who says that he is the bank" \
	203.0.113.66 host66.evil.example update@evil.example 3-spoof.eml
check "4. A small company that signs with Ed25519, through a forwarder" \
	198.51.100.7 lists.hobby.example sales@modern.example 4-ed25519.eml
check "5. A letter from a hobbyist who signs nothing" \
	198.51.100.25 mail.hobby.example me@hobby.example 5-letter.eml

heading "How the daemon is doing"
say ""
"$build/assay" status -s "$socket" | sed '/ 0$/d'
stop

heading "The daemon was stopped and ended cleanly. What next?"
cat <<END

  Keep one running:     sed -e "s|@SOCKET@|ipc:///tmp/assayd.sock|" \\
                            -e "s|@ZONE@|$demo/demo.zone|" \\
                            $demo/assayd.conf.in >/tmp/assayd.conf
                        $build/assayd -c /tmp/assayd.conf
  and ask it:           $build/assay status -s ipc:///tmp/assayd.sock
                        $build/assay check -s ipc:///tmp/assayd.sock --json FILE
  With real DNS:        leave zone-file out of the configuration, and name your
                        resolver in dns { forward = {"ADDRESS"} }
  From a program:       src/client/assay.h is the whole of libassay
  Run the tests:        sh $root/tests/run.sh
END
