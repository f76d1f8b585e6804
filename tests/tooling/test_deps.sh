#!/bin/bash
# scripts/deps: asks for nothing that is there, installs only what is missing, fetches the lists only
# when it must, and where it may not install names the command to run. The machine is a folder of
# made-up commands.
set -u
deps=$(cd "$(dirname "$0")/../../scripts" && pwd)/deps
. "$(dirname "$0")/machine.sh"

# What the machine's apt-get was asked, a line each; $1 is what it does at each call.
fresh_machine() {
    rm -rf "$machine"
    mkdir "$machine"
    local name
    for name in cc python3 ninja; do
        command_is "$name" 'exit 0'
    done
    for name in mktemp rm tail; do
        ln -s "$(command -v "$name")" "$machine/$name"
    done
    command_is id "echo $1"
}

run() { output=$(PATH=$machine /bin/bash "$deps" "$@" 2>&1); status=$?; }

check() {
    if eval "$2"; then
        echo "ok $1"
    else
        echo "not ok $1"
        printf '    status %s\n    %s\n' "$status" "$output"
        [ ! -e "$machine/asked" ] || sed 's/^/    asked: /' "$machine/asked"
        failed=1
    fi
}

asked='echo "$*" >>'$machine/asked

fresh_machine 0
command_is apt-get "$asked"
command_is meson 'exit 0'
run build
check nothing_missing_asks_nothing '[ $status = 0 ] && [ -z "$output" ] && [ ! -e $machine/asked ]'

fresh_machine 0
command_is apt-get "$asked"
run build
check only_what_is_missing_is_installed \
    '[ $status = 0 ] && [[ $(<$machine/asked) == *"install --no-install-recommends meson" ]]'
check the_lists_are_not_fetched_in_vain '! [[ $(<$machine/asked) == *update* ]]'

fresh_machine 0
command_is apt-get "$asked; [[ \$* == *update* ]] && : >$machine/lists; [ -e $machine/lists ]"
run build
check stale_lists_are_fetched '[ $status = 0 ] && [[ $(<$machine/asked) == *install*update*install* ]]'

fresh_machine 0
command_is apt-get "$asked; echo no route to the registry; exit 100"
run build
check a_failed_installation_says_why \
    '[ $status = 1 ] && [[ $output == *"no route"*"apt-get install --no-install-recommends meson"* ]]'

# Of the peers of the benchmarks one is not to be had; nothing that must be there is missing.
fresh_machine 0
for name in ip unshare pkg-config go pasta; do
    command_is "$name" 'exit 0'
done
command_is apt-get "$asked; [[ \$* != *slirp4netns* ]]"
run bench
check what_is_not_to_be_had_does_not_keep_the_rest_away \
    '[ $status = 0 ] && [[ $output == *"will be skipped, it needs: slirp4netns" ]]'

fresh_machine 1000
command_is apt-get "$asked"
run build
check without_root_the_command_is_named \
    '[ $status = 1 ] && [[ $output == *"apt-get install --no-install-recommends meson"* ]]'
check without_root_nothing_is_installed '[ ! -e $machine/asked ]'

fresh_machine 0
run build
check without_apt_the_packages_are_named '[ $status = 1 ] && [[ $output == *meson* ]]'

fresh_machine 0
run everything
check an_unknown_target_is_refused '[ $status = 2 ] && [[ $output == *everything* ]]'
exit $failed
