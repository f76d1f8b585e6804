#!/bin/bash
# scripts/installed: renews the loader's list, and names what must be set where a place is not looked at,
# and nothing where it is. The machine is a folder of made-up commands.
set -u
installed=$(cd "$(dirname "$0")/../../scripts" && pwd)/installed
. "$(dirname "$0")/machine.sh"

for name in sed grep; do
    ln -s "$(command -v "$name")" "$machine/$name"
done
cat >"$machine/tern.pc" <<'end'
prefix=/there
libdir=${prefix}/lib/arch
Libs: -L${libdir} -ltern
end

# run DIRECTORY...: after an installation under /there, on a machine that looks at these.
run() {
    local pc_path=/usr/lib/pkgconfig list='libc.so.6 => /lib/libc.so.6' path=$machine
    while [ $# -gt 0 ]; do
        case $1 in
        bin) path=$path:/there/bin ;;
        pkgconfig) pc_path=$pc_path:/there/lib/arch/pkgconfig ;;
        loader) list='libtern.so.0 (libc6) => /there/lib/arch/libtern.so.0' ;;
        esac
        shift
    done
    rm -f "$machine/renewed"
    command_is pkg-config "echo $pc_path"
    command_is ldconfig "if [ \$# = 0 ]; then : >$machine/renewed; else echo '	$list'; fi"
    output=$(PATH=$path LD_LIBRARY_PATH= PKG_CONFIG_PATH= /bin/bash "$installed" "$machine/tern.pc" 2>&1)
    status=$?
}
check() {
    if [ $status = 0 ] && eval "$2"; then
        echo "ok $1"
    else
        echo "not ok $1"
        printf '    status %s\n    %s\n' "$status" "$output"
        failed=1
    fi
}

run bin pkgconfig loader
check where_all_is_found_the_place_is_all_that_is_told \
    '[[ $output == "installed under /there: "*"libtern in lib/arch"* ]] && [[ $output != *export* ]]'
check the_loader_learns_of_the_library '[ -e $machine/renewed ]'
run
check what_is_not_found_is_to_be_set \
    '[[ $output == *"export PATH=/there/bin:"*"export PKG_CONFIG_PATH=/there/lib/arch/pkgconfig"*"export LD_LIBRARY_PATH=/there/lib/arch"* ]]'
check what_was_set_is_kept \
    '[[ $(lines=$(grep export <<<"$output"); PATH=/old LD_LIBRARY_PATH=/old PKG_CONFIG_PATH=; eval "$lines"
        echo "$PATH $LD_LIBRARY_PATH $PKG_CONFIG_PATH") == \
        "/there/bin:/old /there/lib/arch:/old /there/lib/arch/pkgconfig" ]]'
run bin loader
check what_is_found_is_not_to_be_set \
    '[[ $output == *PKG_CONFIG_PATH=* ]] && [[ $output != *" PATH="* ]] && [[ $output != *LD_LIBRARY_PATH* ]]'
export DESTDIR=/package
run
check a_package_is_left_to_who_makes_it \
    '[[ $output == "installed under /package/there: "* ]] && [[ $output != *export* ]] && [ ! -e $machine/renewed ]'
exit $failed
