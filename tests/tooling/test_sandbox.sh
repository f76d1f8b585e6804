#!/bin/bash
# scripts/sandbox: what is done inside is not seen outside, and the command's own status comes out.
set -u
sandbox=$(dirname "$0")/../../scripts/sandbox
PATH=$PATH:/usr/sbin:/sbin
failed=0

check() {
    if eval "$2"; then
        echo "ok $1"
    else
        echo "not ok $1"
        failed=1
    fi
}

reason=$("$sandbox" true)
if [ $? = 77 ]; then
    echo "$reason"
    exit 77
fi

outside=$(ip -o link)
inside=$("$sandbox" bash -c 'ip link add tern_probe type dummy 2>/dev/null ||
    ip tuntap add tern_probe mode tun; ip -o link')
check a_device_made_inside_is_seen_inside 'grep -q tern_probe <<<"$inside"'
check it_is_not_seen_outside '[ "$(ip -o link)" = "$outside" ]'
check loopback_is_up_and_alone '[ "$("$sandbox" ip -o link show up | grep -c "")" = 1 ]'
"$sandbox" bash -c 'exit 7'
check the_status_comes_out "[ $? = 7 ]"
check arguments_arrive_as_given '[ "$("$sandbox" printf "%s|" "a b" "" c)" = "a b||c|" ]'
exit $failed
