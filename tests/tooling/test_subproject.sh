#!/bin/bash
# A Meson project that has tern among its subprojects gets it by dependency('tern'), shared or static,
# and with it nothing but the public header.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

check() {
    if eval "$2" >"$work/log" 2>&1; then
        echo "ok $1"
    else
        echo "not ok $1"
        tail -n 30 "$work/log"
        failed=1
    fi
}

mkdir -p "$work/app/subprojects"
ln -s "$top" "$work/app/subprojects/tern"
cp "$top/tests/tooling/outside.c" "$work/app/"
cat >"$work/app/meson.build" <<'MESON'
project('app', 'c', default_options: ['c_std=c17'])
executable('app', 'outside.c', dependencies: dependency('tern', fallback: 'tern'))
MESON

# Where pkg-config looks nowhere, tern is not found installed; without optimization it is built sooner.
set_up() {
    PKG_CONFIG_PATH= PKG_CONFIG_LIBDIR=$work meson setup --default-library "$1" -Doptimization=0 -Ddebug=false \
        "$work/build" "$work/app"
}
check a_project_is_set_up 'set_up shared'
check it_is_built 'ninja -C "$work/build" app'
check it_runs '[ "$("$work/build/app")" = hello ]'
check it_has_the_shared_library 'ldd "$work/build/app" | grep libtern.so.0'
check none_of_our_tests_are_its_own '[ "$(meson introspect --tests "$work/build")" = "[]" ]'
check no_header_of_the_inside_is_to_be_found \
    'grep "command.*-c [^ ]*/outside.c" "$work/build/compile_commands.json" | grep -v "tern/src "'
check it_is_set_up_to_be_static 'meson configure -Ddefault_library=static -Dtern:default_library=static "$work/build"'
check it_is_built_statically 'ninja -C "$work/build" app'
check the_static_one_runs '[ "$("$work/build/app")" = hello ] && ! ldd "$work/build/app" | grep libtern'
exit $failed
