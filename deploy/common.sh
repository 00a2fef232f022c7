# Shell functions for deploy/quickstart.sh and tests/run.sh. The one that reads it has set `root`, the top of the tree.

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# packages_missing KIND...: prints the packages of these kinds that are not installed.
packages_missing() {
	for kind in "$@"; do
		while read -r for_what package; do
			[ "$for_what" = "$kind" ] || continue
			case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
			"install ok installed") ;;
			*) printf '%s ' "$package" ;;
			esac
		done <"$root/deploy/packages.txt"
	done
}

# packages_need KIND...: installs what is missing as root; anyone else is told what to install.
packages_need() {
	if ! command -v dpkg-query >/dev/null; then
		say "This is no Debian system: what is needed is listed in deploy/packages.txt; going on without a look."
		return
	fi
	missing=$(packages_missing "$@")
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		say "These packages are missing. Install them and try again:" >&2
		say "  sudo apt-get install $missing" >&2
		exit 1
	fi
	say "Installing: $missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q -y update >"$scratch/apt.log" 2>&1 || { cat "$scratch/apt.log" >&2; die "apt-get update failed"; }
	# shellcheck disable=SC2086  # a list
	apt-get -q -y install --no-install-recommends $missing >"$scratch/apt.log" 2>&1 ||
		{ cat "$scratch/apt.log" >&2; die "apt-get install failed"; }
}

# build_root_find: sets `build_root`, where the build folders go: $ASSAY_BUILD_ROOT, or the top of the tree; when that
# (or the build folder in it) belongs to somebody else, a folder of the user's own.
build_root_find() {
	if [ -n "${ASSAY_BUILD_ROOT:-}" ]; then
		build_root=$ASSAY_BUILD_ROOT
	elif [ -w "$root" ] && { [ ! -e "$root/build" ] || [ -w "$root/build/." ]; }; then
		build_root=$root
	else
		build_root=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/assay
		say "$root belongs to somebody else: building in $build_root"
	fi
	mkdir -p "$build_root" 2>/dev/null || die "$build_root cannot be made; set ASSAY_BUILD_ROOT to a folder of your own"
	build_root=$(cd "$build_root" && pwd)
}
