#!/bin/bash
# The engine door: two stacks in virtual time, and a stack over a UDP socket of the kernel's.
. "$(dirname "$0")/common.sh"

two_stacks() { "$EXAMPLES/two_stacks" >"$work/run.$1"; }
check two_stacks_transfer_a_megabyte two_stacks 1
check it_says_so grep -q '^1000000 bytes in .* lost' "$work/run.1"
check a_second_run_is_the_same eval 'two_stacks 2 && cmp "$work/run.1" "$work/run.2"'

head -c 3000000 /dev/urandom >"$work/file"
carry() {
    "$EXAMPLES/over_udp" receive 5001 5002 >"$work/got" 2>"$work/errors" &
    example=$!
    "$EXAMPLES/over_udp" send 5002 5001 <"$work/file" || return
    wait "$example"
    local status=$?
    example=
    [ $status = 0 ] && cmp "$work/file" "$work/got"
}
check a_stack_over_udp_carries_a_file carry
exit $failed
