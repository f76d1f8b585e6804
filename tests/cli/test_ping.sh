#!/bin/bash
# tern ping, against the kernel.
set -u
. "$(dirname "$0")/common.sh"

kernel=10.0.0.2

replies_are_shown_and_summed_up() {
    tern ping -c 3 -i 0.01 $kernel
    expect_status 0
    expect out "PING $kernel: 56 data bytes"
    local n
    for n in 1 2 3; do
        grep -qE "^64 bytes from $kernel: icmp_seq=$n ttl=64 time=[0-9]+\.[0-9]{3} ms$" out || fail "no reply $n"
    done
    grep -qE '^3 packets transmitted, 3 received, 0% packet loss, time [0-9]+ms$' out || fail "other sums"
    grep -qE '^rtt min/avg/max/mdev = [0-9.]+/[0-9.]+/[0-9.]+/[0-9.]+ ms$' out || fail "other times"
}
requests_have_the_size_asked_for() {
    local size
    for size in 0 1 1471 1472 1473 8000 65507; do
        tern ping -c 1 -s $size $kernel
        expect_status 0
        expect out "$((size + 8)) bytes from $kernel: icmp_seq=1"
    done
}
requests_as_large_as_the_mtu_fit() {
    tern ping -c 1 -s 8972 --mtu 9000 $kernel
    expect_status 0
    expect out "8980 bytes from $kernel"
}
requests_go_out_at_the_interval() {
    tern ping -c 3 -i 0.3 $kernel
    expect_status 0
    local elapsed
    elapsed=$(sed -n 's/.* packet loss, time \([0-9]*\)ms$/\1/p' out)
    [ "$elapsed" -ge 600 ] || fail "3 requests in $elapsed ms"
}
delay_shows_in_the_times() {
    tern ping -c 2 -i 0.01 --fault delay=50ms $kernel
    expect_status 0
    grep -qE 'time=1[0-9]{2}\.[0-9]+ ms' out || fail "no 100 ms there and back"
}
duplicates_are_told() {
    # Those of the last request may come after ping has all that it waits for; those of the first do not.
    tern ping -c 2 -i 0.05 --fault dup=100%,seed=1 $kernel
    expect_status 0
    expect out "(DUP!)"
    expect out "duplicates"
}
silence_is_all_lost() {
    tern ping -c 2 -i 0.01 -W 0.2 10.0.0.77
    expect_status 7
    expect out "2 packets transmitted, 0 received, 100% packet loss"
    expect_not out "rtt min"
    expect err "tern ping: no answer from 10.0.0.77: check the address"
    expect err "there are only tern and the kernel"
}
an_interruption_sums_up() {
    start_tern ping -i 0.1 $kernel
    until_says out "icmp_seq=2"
    kill -INT "$tern"
    wait_tern
    expect_status 0
    expect out ", 0% packet loss"
}
a_broadcast_address_is_told_to_be_one() {
    local address
    for address in 10.0.0.255 255.255.255.255; do
        tern ping -c 1 $address
        expect_status 2
        expect err "tern ping: $address is a broadcast address, which is not pinged here: give a host's"
    done
}
this_host_answers_by_its_address() {
    tern ping -c 1 -i .3 0.0.0.0
    expect_status 0
    expect_not out "0.0.0.0"
}
# What reads the first line and goes.
first_line_of() {
    local line
    read -r line <"$1"
}
a_reader_that_goes_ends_it() {
    mkfifo pipe
    start first_line_of pipe
    "$TERN" ping -i 0.01 $kernel >pipe 2>err </dev/null
    status=$?
    expect_status 141
    start first_line_of pipe
    "$TERN" ping -i 0.01 --trace $kernel 2>pipe >out </dev/null
    status=$?
    expect_status 141
}
a_full_disk_is_an_error() {
    [ -e /dev/full ] || skip "no /dev/full"
    "$TERN" ping -i 0.01 $kernel >/dev/full 2>err </dev/null
    status=$?
    expect_status 1
    expect err "tern ping: cannot write to standard output"
    "$TERN" ping -c 1 --trace $kernel 2>/dev/full >out </dev/null
    status=$?
    expect_status 1
}
the_trace_shows_echoes_both_ways() {
    tern ping -c 1 --trace $kernel
    expect_status 0
    expect err " out  10.0.0.3 > $kernel ICMP echo request, id "
    expect err " in   $kernel > 10.0.0.3 ICMP echo reply, id "
}

run_cases replies_are_shown_and_summed_up requests_have_the_size_asked_for requests_as_large_as_the_mtu_fit \
    requests_go_out_at_the_interval delay_shows_in_the_times duplicates_are_told silence_is_all_lost \
    a_broadcast_address_is_told_to_be_one this_host_answers_by_its_address \
    an_interruption_sums_up a_reader_that_goes_ends_it a_full_disk_is_an_error \
    the_trace_shows_echoes_both_ways
