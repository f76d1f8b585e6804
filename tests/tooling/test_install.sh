#!/bin/bash
# What `make install` leaves is all that a program outside the tree needs, in C17 and in C++17, linked
# dynamically and statically; and the libraries show what the header declares and nothing else.
set -u
export LC_ALL=C
build=$BUILD_ROOT
source=$(cd "$(dirname "$0")" && pwd)
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
same() { diff "$1" "$2" && [ -s "$1" ]; }

DESTDIR=$work/root meson install -C "$build" --no-rebuild >"$work/log" 2>&1 || {
    cat "$work/log"
    exit 1
}
library=$(dirname "$(find "$work/root" -name libtern.a)")
header=$(find "$work/root" -name tern.h)
export PKG_CONFIG_PATH=$library/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/root
export LD_LIBRARY_PATH=$library

strict='-Wall -Wextra -Wpedantic -Werror'
flags=$(pkg-config --cflags --libs tern)
check pkg_config_knows_the_library '[ -n "$flags" ]'
check a_c_program_builds 'cc -std=c17 $strict "$source/outside.c" $flags -o "$work/app"'
check it_runs '[ "$("$work/app")" = hello ]'
check it_links_the_shared_library 'ldd "$work/app" | grep -q "libtern.so.0 => $library"'
static=$(pkg-config --static --libs tern | sed "s|-ltern|$library/libtern.a|")
check it_links_statically \
    'cc "$source/outside.c" $(pkg-config --cflags tern) $static -o "$work/static" &&
        ! ldd "$work/static" | grep -q libtern && [ "$("$work/static")" = hello ]'
if command -v c++ >/dev/null; then
    check a_cxx_program_builds_and_runs \
        'c++ -std=c++17 $strict -x c++ "$source/outside.c" -x none $flags -o "$work/cxx" &&
            [ "$("$work/cxx")" = hello ]'
else
    echo "skip a_cxx_program_builds_and_runs: there is no C++ compiler"
fi
# The examples as README.md has them built: "| `NAME.c` | `what else` |", or nothing else.
while IFS='|' read -r _ program others _; do
    name=$(tr -d '` ' <<<"$program")
    others=$(tr -d '`' <<<"$others")
    libraries=$(grep -oE -e '-l[a-z_]+' <<<"$others")
    if ! echo 'int main(void) { return 0; }' | cc -x c - -o "$work/empty" $libraries 2>/dev/null; then
        echo "skip ${name%.c}_builds_as_readme_says: no $libraries"
        continue
    fi
    check "${name%.c}_builds_as_readme_says" \
        '(cd "$source/../../examples" && cc -Wall -Werror $name $flags $others -o "$work/example")'
done < <(grep -E '^\| `[a-z_]+\.c` \|' "$source/../../README.md")
(cd "$source/../../examples" && ls -- *.c | grep -vx echo.c) >"$work/examples"
sed -nE 's/^\| `([a-z_]+\.c)` \|.*/\1/p' "$source/../../README.md" | sort >"$work/named"
check readme_names_every_example 'same "$work/examples" "$work/named"'
check the_header_stands_alone \
    'echo "#include <tern/tern.h>" | cc -std=c17 $strict -x c -fsyntax-only $flags -'

grep -v '^#' "$header" | tr '\n' ' ' | grep -oE 'TERN_API [^;]*;' | sed -E 's/\(.*//; s/.*[ *]//' | sort >"$work/declared"
nm -D --defined-only "$library/libtern.so" | awk '$2 == "T" { print $3 }' | sort >"$work/exported"
nm -D --defined-only "$library/libtern.so" | awk '$2 !~ /[AT]/' >"$work/data"
check the_shared_library_shows_what_the_header_declares \
    'same "$work/declared" <(sed s/@.*// "$work/exported" | sort) && [ ! -s "$work/data" ]'
check every_symbol_has_a_version '! grep -v "@@TERN_0$" "$work/exported"'
nm -g --defined-only "$library/libtern.a" | awk '$2 ~ /^[A-Z]$/ { print $3 }' | sort >"$work/archived"
check the_archive_shows_the_same 'same "$work/declared" "$work/archived"'

version=$(awk '/define TERN_VERSION_/ { printf "%s%s", dot, $3; dot = "." }' "$header")
check all_are_of_one_version \
    '[ "$(pkg-config --modversion tern)" = "$version" ] &&
        [ "$("$(find "$work/root" -path "*/bin/tern")" --version)" = "tern $version" ]'
check the_command_is_there '"$(find "$work/root" -path "*/bin/tern")" --help >/dev/null'
check the_manual_is_there \
    '[ -s "$(find "$work/root" -path "*/man3/tern_recv.3")" ] &&
        [ -s "$(find "$work/root" -path "*/man1/tern.1")" ]'
exit $failed
