#!/bin/bash
# tern perf against iperf3's server on the kernel's TCP.
set -u
. "$(dirname "$0")/common.sh"
command -v iperf3 >/dev/null || { echo "iperf3 is not installed"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }

kernel=10.0.0.2

# A server that ends after one test; tern's device brings the address that it listens on for all.
serve() {
    start iperf3 -s -1 >/dev/null 2>&1
    until_true eval '[ -n "$(ss -Hltn "sport = :5201")" ]'
}
wait_server() { wait "${children[0]}" || fail "the server failed"; }

what_is_sent_is_what_the_server_receives() {
    serve
    tern perf -t 1 $kernel
    expect_status 0
    wait_server
    grep -qE '^ +0\.00 to +[12]\.[0-9]{2} s +[0-9.]+ [kMG]?B +[0-9.]+ Gbit/s$' out || fail "no interval"
    grep -qE "^tern sent [1-9][0-9]* bytes, [0-9.]+ Gbit/s, [0-9]+ retransmissions?; $kernel:5201 received [1-9][0-9]* bytes, [0-9.]+ Gbit/s$" out ||
        fail "other figures"
}
the_server_sends_when_reversed() {
    serve
    tern perf -R -t 1 $kernel:5201
    expect_status 0
    wait_server
    grep -qE "^$kernel:5201 sent [1-9][0-9]* bytes, .* tern received [1-9][0-9]* bytes, " out ||
        fail "other figures"
}
several_streams_and_json_add_up() {
    serve
    tern perf -J -P 3 -t 2 $kernel
    expect_status 0
    wait_server
    python3 -c '
import json
said = json.load(open("out"))
assert sum(part["bytes"] for part in said["intervals"]) == said["sent_bytes"] > 0, said
assert 0 < said["received_bytes"] <= said["sent_bytes"], said
assert said["intervals"][0]["start"] == 0, said
' 2>err || fail "not what it should be"
}
several_streams_come_when_reversed() {
    serve
    tern perf -J -R -P 3 -t 1 $kernel
    expect_status 0
    wait_server
    python3 -c '
import json
said = json.load(open("out"))
assert 0 < said["received_bytes"] <= said["sent_bytes"], said
' 2>err || fail "not what it should be"
}
where_no_server_is_that_is_told() {
    tern perf $kernel
    expect_status 4
    expect err "$kernel:5201 refused the connection"
}
another_server_is_told_from_iperf3() {
    start socat TCP-LISTEN:5201,reuseaddr 'SYSTEM:echo hello; cat >/dev/null'
    until_true eval '[ -n "$(ss -Hltn "sport = :5201")" ]'
    tern perf -t 1 $kernel
    expect_status 1
    expect err "does not speak iperf3's protocol"
}
an_interruption_ends_the_test() {
    serve
    start_tern perf -t 60 $kernel
    until_says out Gbit/s
    kill -INT "$tern"
    wait_tern
    expect_status 130
}

run_cases what_is_sent_is_what_the_server_receives the_server_sends_when_reversed \
    several_streams_and_json_add_up several_streams_come_when_reversed \
    where_no_server_is_that_is_told another_server_is_told_from_iperf3 an_interruption_ends_the_test
