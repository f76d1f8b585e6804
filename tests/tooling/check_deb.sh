#!/bin/bash
# tests/tooling/check_deb.sh FOLDER: the packages in there hold what they should, and those of the library
# are all that a program needs. .ci/run calls it after `make deb`.
set -u
packages=$1
source=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

check() {
    if eval "$2" >"$work/log" 2>&1; then
        echo "ok $1"
    else
        echo "not ok $1"
        cat "$work/log"
        failed=1
    fi
}
holds() { dpkg-deb -c "$packages/$1"_*.deb | grep -q " \./usr/$2$"; }

for name in libtern0 libtern-dev tern; do
    check "there_is_$name" 'dpkg-deb -x "$packages/$name"_*.deb "$work/root"'
done
check the_library_is_alone_in_its_package \
    '[ -z "$(dpkg-deb -c "$packages"/libtern0_*.deb | grep -vE "/$|libtern\.so\.|/doc/")" ]'
check the_command_has_its_manual 'holds tern bin/tern && holds tern share/man/man1/tern-send.1.gz'
check the_calls_have_theirs 'holds libtern-dev share/man/man3/tern_recv.3.gz'
library=$(dirname "$(find "$work/root" -name libtern.a)")
export PKG_CONFIG_SYSROOT_DIR=$work/root PKG_CONFIG_LIBDIR=$library/pkgconfig
check a_program_builds 'cc "$source/outside.c" $(pkg-config --cflags --libs tern) -o "$work/app"'
check it_runs '[ "$(LD_LIBRARY_PATH=$library "$work/app")" = hello ]'
check it_needs_no_other_library \
    '[ "$(objdump -p "$library/libtern.so" | grep NEEDED | grep -vc libc.so)" = 0 ]'
exit $failed
