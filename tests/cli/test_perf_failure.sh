#!/bin/bash
# How tern perf fails: against servers that are not there, that say nothing or the wrong thing, and on
# command lines that ask for what cannot be. It says what it waits for, what went wrong and what to do.
set -u
. "$(dirname "$0")/common.sh"
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }

kernel=10.0.0.2
# Some seconds of patience for a handshake instead of minutes.
briefly=(--set tcp.rto_initial_ms=100 --set tcp.syn_retries=4)

listens() { [ -n "$(ss -Hltn "sport = :$1")" ]; }
# A server for one client, in Python, which knows it by `control`; on port 5201 or $port.
odd_server() {
    local at=${port:-5201}
    start python3 -c "
import socket
listener = socket.create_server(('', $at))
control = listener.accept()[0]
$1
try:
    while control.recv(4096):
        pass
except ConnectionResetError:
    pass
"
    until_true listens $at
}
# perf_at NUMBER ARGUMENT...: with a device and a subnet of its own; what it says goes to NUMBER.err.
perf_at() {
    local number=$1
    shift
    "$TERN" perf --dev tern$number --addr 10.$number.0.3/24 --peer 10.$number.0.2 "$@" >$number.out 2>$number.err </dev/null
    echo $? >$number.status
}

where_no_server_is_that_is_told() {
    tern perf $kernel
    expect_status 4
    expect err "$kernel:5201 refused the connection: nothing listens there; start 'iperf3 -s' or 'tern perf -s' there first"
}
a_failure_is_json_too() {
    tern perf -J $kernel
    expect_status 4
    python3 -c 'import json; assert json.load(open("out"))["error"]' || fail "no error in it"
}
an_address_that_does_not_answer_is_told_soon_and_in_the_end() {
    tern perf "${briefly[@]}" 10.0.0.77
    expect_status 7
    expect err "connecting to 10.0.0.77:5201, which has not answered yet; interrupt (Ctrl-C) to end"
    expect err "tern perf: no answer from 10.0.0.77:5201: check the address, whether 'iperf3 -s' or 'tern perf -s' runs there"
    expect err "In the device's subnet (--addr 10.0.0.3/24) there are only tern and the kernel, which is $kernel"
    [ "$(grep -c connecting err)" = 1 ] || fail "said more than once"
}
an_address_outside_the_subnet_is_told() {
    tern perf --set tcp.rto_initial_ms=100 --set tcp.syn_retries=1 10.99.0.1
    expect_status 7
    expect err "10.99.0.1 is outside the device's subnet (--addr 10.0.0.3/24)"
}
with_json_nothing_is_said_meanwhile() {
    tern perf -J "${briefly[@]}" 10.0.0.77
    expect_status 7
    expect_not err connecting
    python3 -c 'import json; assert json.load(open("out"))["error"].startswith("no answer from 10.0.0.77:5201")' ||
        fail "another error in it"
    tern perf -J --wait 0.3 $kernel
    expect_status 4
    expect_not err waiting
}
an_interruption_says_that_nobody_had_answered() {
    start_tern perf 10.0.0.77
    until_says err "connecting to 10.0.0.77:5201"
    kill -INT "$tern"
    wait_tern
    expect_status 130
    expect err "tern perf: interrupted; nothing was measured, for 10.0.0.77:5201 accepted no connection"
}
# One that never says a word, and one that answers to TCP and not to UDP, at the same time: each has ten
# seconds.
who_falls_silent_is_told() {
    odd_server ''
    port=5202 odd_server '
silent = socket.socket(type=socket.SOCK_DGRAM)
silent.bind(("", 5202))
def hear(count):
    while count:
        count -= len(control.recv(count))
hear(37)
control.sendall(b"\x09")
hear(int.from_bytes(control.recv(4), "big"))
control.sendall(b"\x0a")
'
    perf_at 1 10.1.0.2 &
    local first=$!
    perf_at 2 -u 10.2.0.2:5202 &
    until_says 1.err "waiting for 10.1.0.2:5201 to say something"
    until_says 2.err "waiting for 10.2.0.2:5202 to answer to UDP"
    wait "$first" $!
    [ "$(cat 1.status 2.status | tr '\n' ' ')" = "7 7 " ] || fail "other statuses: $(cat 1.status 2.status)"
    expect 1.err "tern perf: 10.1.0.2:5201 fell silent: it was connected and answers no more"
    expect 2.err "tern perf: 10.2.0.2:5202 answers to TCP, but not to UDP"
}
a_server_that_ends_is_told() {
    odd_server 'control.sendall(b"\x0b")'
    tern perf $kernel
    expect_status 5
    expect err "$kernel:5201 reset the connection: the program there ended"
}
another_server_is_told_from_iperf3() {
    odd_server 'control.sendall(b"hello")'
    tern perf -t 1 $kernel
    expect_status 1
    expect err "does not speak iperf3's protocol"
}
a_server_that_refuses_the_congestion_control_is_understood() {
    odd_server 'control.sendall(b"\x09\xfe\0\0\0\x86\0\0\0\x02")'
    tern perf -R -C westwould $kernel
    expect_status 1
    expect err "the server at $kernel:5201 refuses the congestion control 'westwould'"
}
wishes_that_exclude_each_other_are_told() {
    tern perf -R --bidir $kernel
    expect_status 2
    tern perf
    expect_status 2
    expect err "of whom?"
    tern perf -u -l 10 $kernel
    expect_status 2
    expect err "a datagram has from 16 to 65507 bytes"
    tern perf -c $kernel $kernel
    expect_status 2
    expect err "-c $kernel and '$kernel': the host is there twice"
    tern perf -p 5202 $kernel:5203
    expect_status 2
    expect err "-p and '$kernel:5203': the port is there twice"
    tern perf -s -p 5202 5203
    expect_status 2
    expect err "-p and '5203': the port is there twice"
    tern perf -n 0 $kernel
    expect_status 2
    expect err "-n '0' is not from 1 to 9007199254740991"
    tern perf -b 5X $kernel
    expect_status 2
    expect err "-b '5X' is not a number like 500k, 100M or 2G"
    tern perf -t 5 -n 10M $kernel
    expect_status 2
    expect err "-t and -n: each says when to end; give one of them"
    tern perf -u -C reno $kernel
    expect_status 2
    expect err "-C and -u: datagrams have no congestion control"
    tern perf -C "no name" $kernel
    expect_status 2
    expect err "-C 'no name' is not the name of a congestion control"
    tern perf -1 $kernel
    expect_status 2
    expect err "-1 is for a server; give it with -s"
}
what_a_client_says_is_not_for_a_server() {
    local wish
    for wish in -R "-t 5" "-n 10M" -u "-b 1M" "-O 1" "-P 2" --bidir "-l 1K" "-C reno" "--wait 5" "-c $kernel"; do
        tern perf -s $wish
        expect_status 2
        expect err "${wish%% *} is for the client to say"
    done
}

run_cases where_no_server_is_that_is_told a_failure_is_json_too \
    an_address_that_does_not_answer_is_told_soon_and_in_the_end an_address_outside_the_subnet_is_told \
    with_json_nothing_is_said_meanwhile an_interruption_says_that_nobody_had_answered \
    who_falls_silent_is_told a_server_that_ends_is_told another_server_is_told_from_iperf3 \
    a_server_that_refuses_the_congestion_control_is_understood wishes_that_exclude_each_other_are_told \
    what_a_client_says_is_not_for_a_server
