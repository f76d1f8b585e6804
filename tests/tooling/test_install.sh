#!/bin/bash
# What `make install` leaves is all that a program outside the tree needs, in C and in C++, linked
# dynamically and statically; and the library shows nothing but its own names.
set -u
build=$BUILD_ROOT
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

check() {
    if eval "$2"; then
        echo "ok $1"
    else
        echo "not ok $1"
        failed=1
    fi
}

DESTDIR=$work/root meson install -C "$build" --no-rebuild >"$work/log" 2>&1 || {
    cat "$work/log"
    exit 1
}
library=$(dirname "$(find "$work/root" -name libtern.a)")
export PKG_CONFIG_PATH=$library/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/root
export LD_LIBRARY_PATH=$library

cat >"$work/app.c" <<'C'
#include <errno.h>
#include <stddef.h>
#include <tern/tern.h>

int main(void)
{
    struct tern_config config = {0};
    config.address = "nonsense";
    return tern_open(&config, NULL) == NULL && errno == EINVAL ? 0 : 1;
}
C
sed "s/= {0}/= {}/" "$work/app.c" >"$work/app.cc"

flags=$(pkg-config --cflags --libs tern)
check pkg_config_knows_the_library '[ -n "$flags" ]'
check a_c_program_builds 'cc -std=c17 -Wall -Wextra -Werror "$work/app.c" $flags -o "$work/app"'
check it_runs '"$work/app"'
check it_links_the_shared_library 'ldd "$work/app" | grep -q "libtern.so.* => $library"'
static=$(pkg-config --static --libs tern | sed "s|-ltern|$library/libtern.a|")
check it_links_statically \
    'cc "$work/app.c" $(pkg-config --cflags tern) $static -o "$work/static" && "$work/static"'
if command -v c++ >/dev/null; then
    check a_cxx_program_builds \
        'c++ -std=c++17 -Wall -Wextra -Werror "$work/app.cc" $flags -o "$work/cxx" && "$work/cxx"'
else
    echo "skip a_cxx_program_builds: there is no C++ compiler"
fi
foreign=$(nm -D --defined-only "$library/libtern.so" | awk '$3 !~ /^tern_/ { print $3 }')
check only_its_own_names_are_seen '[ -z "$foreign" ]'
[ -z "$foreign" ] || echo "$foreign"
check the_command_is_there '"$(find "$work/root" -path "*/bin/tern")" --help >/dev/null'
exit $failed
