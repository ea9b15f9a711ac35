#!/bin/sh
# Install the Debian packages that are missing, and nothing where none is.
#
#	deps.sh [build] [run] [test] [bench] [lint]	(default: all of them)
#	deps.sh queue-bench	(the peers that make bench-queue measures against)
#	deps.sh web-bench	(those of make bench-web)
set -eu

build="gcc make libc6-dev libcurl4-openssl-dev libhiredis-dev libxml2-dev
libjson-c-dev libxxhash-dev libfcgi-dev zlib1g-dev"
run="redis-server libmicrohttpd-dev spawn-fcgi multiwatch nginx node-d3-array
node-d3-hierarchy curl ca-certificates"
test="libcmocka-dev python3 python3-lxml python3-redis python3-brotli
python3-jsonschema python3-prometheus-client python3-selenium chromium
chromium-driver openssl clang libclang-rt-14-dev procps cron util-linux
iproute2"
bench="python3 python3-bs4 python3-lxml time wrk util-linux"
web_bench="wrk python3 python3-redis python3-flask python3-pandas gunicorn
nodejs"
lint="clang-format clang-tidy git man-db shellcheck"
queue_bench="python3 python3-redis python3-celery python3-rq beanstalkd nodejs"
# A nodejs that does not come from Debian has npm in it, and refuses Debian's.
command -v npm >/dev/null || {
	queue_bench="$queue_bench npm"
	web_bench="$web_bench npm"
}

[ $# -gt 0 ] || set -- build run test bench lint
wanted=
for group in "$@"; do
	case $group in
	build) wanted="$wanted $build" ;;
	run) wanted="$wanted $run" ;;
	test) wanted="$wanted $test" ;;
	bench) wanted="$wanted $bench" ;;
	lint) wanted="$wanted $lint" ;;
	queue-bench) wanted="$wanted $queue_bench" ;;
	web-bench) wanted="$wanted $web_bench" ;;
	*)
		echo "deps.sh: unknown group \"$group\"" >&2
		exit 64
		;;
	esac
done

missing=
for p in $wanted; do
	case " $missing " in
	*" $p "*) continue ;;
	esac
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] ||
		missing="$missing $p"
done
[ -n "$missing" ] || exit 0

sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo
if [ -n "$sudo" ] && ! command -v sudo >/dev/null; then
	echo "missing:$missing" >&2
	echo "deps.sh: to install them be root, or install sudo" >&2
	exit 77
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# The tests and the demo start servers of their own: no service is wanted.
if [ ! -e /usr/sbin/policy-rc.d ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee /usr/sbin/policy-rc.d >/dev/null
	$sudo chmod 755 /usr/sbin/policy-rc.d
	trap '$sudo rm -f /usr/sbin/policy-rc.d' EXIT
fi
# shellcheck disable=SC2086 # the list is words
install() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
		-o DPkg::Lock::Timeout=300 --no-install-recommends $missing
}
install >/dev/null 2>&1 || {
	$sudo apt-get update -q
	install
}
