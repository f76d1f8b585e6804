#!/bin/bash
# tern perf against iperf3 on the kernel's network, as its client and as its server.
set -u
. "$(dirname "$0")/common.sh"
command -v iperf3 >/dev/null || { echo "iperf3 is not installed"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }

kernel=10.0.0.2
ours=10.0.0.3

# A server that ends after one test; tern's device brings the address that it listens on for all.
serve() {
    start iperf3 -s -1 >/dev/null 2>&1
    until_true eval '[ -n "$(ss -Hltn "sport = :5201")" ]'
}
wait_server() { wait "${children[0]}" || fail "the server failed"; }

# The other way: tern is the server, of one test.
serve_ours() {
    start_tern perf -s -1 -p 5201 "$@"
    until_says err "listening on $ours:5201"
}
iperf() { iperf3 -c $ours "$@" >iperf.out 2>&1 || fail "iperf3: $(cat iperf.out)"; }
# said FILE CONDITION: of its JSON, `said`; iperf3's and ours have the same names.
said() {
    python3 -c '
import json, sys
said = json.load(open(sys.argv[1]))
end, start, parts = said["end"], said["start"]["test_start"], said["intervals"]
assert eval(sys.argv[2]), json.dumps(said, indent=1)
' "$1" "$2" 2>err || fail "not so: $2"
}

# A client that does what iperf3 does not: odd_client runs the python that it reads, with these.
cat >"$work/odd_client.py" <<'END'
import select, socket, struct, time

COOKIE = b"a" * 36 + b"\0"
PARAMETERS, CREATE_STREAMS, TEST_START, TEST_RUNNING, TEST_END = b"\x09", b"\x0a", b"\x01", b"\x02", b"\x04"
EXCHANGE_RESULTS, DISPLAY_RESULTS, DONE = b"\x0d", b"\x0e", b"\x10"

def connect():
    return socket.create_connection(("10.0.0.3", 5201), timeout=60)

def hear(connection, *states):
    for state in states:
        heard = connection.recv(1)
        assert heard == state, (heard, state)

def say_message(connection, text):
    connection.sendall(struct.pack(">I", len(text)) + text)

def take(connection, count):
    taken = b""
    while len(taken) < count:
        piece = connection.recv(count - len(taken))
        assert piece, taken
        taken += piece
    return taken

def hear_message(connection):
    return take(connection, struct.unpack(">I", take(connection, 4))[0])

# A control connection of which the server awaits the parameters.
def greet():
    control = connect()
    control.sendall(COOKIE)
    hear(control, PARAMETERS)
    return control

def wish(control):
    say_message(control, b'{"tcp":true,"time":1,"parallel":1,"len":1000}')
    hear(control, CREATE_STREAMS)

# A control connection of which the server awaits the stream.
def set_up():
    control = greet()
    wish(control)
    return control

def add_stream():
    stream = connect()
    stream.sendall(COOKIE)
    return stream

# The test is over, and nothing was sent.
def finish(control):
    control.sendall(TEST_END)
    hear(control, EXCHANGE_RESULTS)
    say_message(control, b'{"streams":[{"id":1,"bytes":0}]}')
    hear_message(control)
    hear(control, DISPLAY_RESULTS)
    control.sendall(DONE)
END
odd_client() {
    { cat "$work/odd_client.py" && cat; } >client.py
    python3 client.py 2>client.err || fail "the client: $(cat client.err)"
}

what_is_sent_is_what_the_server_receives() {
    serve
    tern perf -t 1 $kernel
    expect_status 0
    wait_server
    grep -qE '^ +0\.00 to +[12]\.[0-9]{2} s +[0-9.]+ [kMG]?B +[0-9.]+ [kMG]bit/s$' out || fail "no interval"
    grep -qE "^tern sent [1-9][0-9]* bytes, [0-9.]+ [kMG]bit/s, [0-9]+ retransmissions?; $kernel:5201 received [1-9][0-9]* bytes, [0-9.]+ [kMG]bit/s$" out ||
        fail "other figures"
    grep -qE "^CPU: tern [0-9]+ % \([0-9]+ user, [0-9]+ system\), [0-9.]+ s a GB; $kernel:5201 [0-9]+ % \(.*\), [0-9.]+ s a GB$" out ||
        fail "no CPU figures"
}
the_server_sends_when_reversed() {
    serve
    tern perf -R -t 1 -c $kernel -p 5201
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
    said out 'sum(part["sum"]["bytes"] for part in parts) == end["sum_sent"]["bytes"] > 0'
    said out '0 < end["sum_received"]["bytes"] <= end["sum_sent"]["bytes"]'
    said out 'sum(s["sender"]["bytes"] for s in end["streams"]) == end["sum_sent"]["bytes"]'
    said out 'len(parts[0]["streams"]) == 3 and parts[0]["sum"]["start"] == 0'
    said out 'end["cpu_utilization_percent"].keys() == {a + b for a in ("host_", "remote_") for b in ("total", "user", "system")}'
    said out 'end["cpu_utilization_percent"]["host_total"] > 0 and end["cpu_utilization_percent"]["remote_total"] > 0'
}
several_streams_come_when_reversed() {
    serve
    tern perf -J -R -P 3 -t 1 $kernel
    expect_status 0
    wait_server
    said out '0 < end["sum_received"]["bytes"] <= end["sum_sent"]["bytes"]'
    said out 'all(not s["sender"]["sender"] for s in end["streams"])'
}
both_ways_go_at_once() {
    serve
    tern perf -J --bidir -P 2 -t 1 $kernel
    expect_status 0
    wait_server
    said out 'len(end["streams"]) == 4'
    said out '0 < end["sum_received"]["bytes"] <= end["sum_sent"]["bytes"]'
    said out '0 < end["sum_received_bidir_reverse"]["bytes"] <= end["sum_sent_bidir_reverse"]["bytes"]'
}
so_many_bytes_are_enough() {
    serve
    tern perf -J -n 10M $kernel
    expect_status 0
    wait_server
    said out '10485760 <= end["sum_sent"]["bytes"] < 10485760 + 8 * 131072'
}
what_is_omitted_is_not_counted() {
    serve
    tern perf -J -O 1 -t 1 -b 8M -l 10K $kernel
    expect_status 0
    wait_server
    said out '[part["sum"]["omitted"] for part in parts] == [True, False]'
    said out 'end["sum_sent"]["bytes"] == parts[1]["sum"]["bytes"]'
}
# A rate is a ceiling, and on a machine that has other things to do not a floor.
a_rate_is_kept_to() {
    serve
    tern perf -J -t 2 -b 8M -l 10K $kernel
    expect_status 0
    wait_server
    said out '0 < end["sum_sent"]["bytes"] <= end["sum_sent"]["seconds"] * 1e6 + 4 * 10240'
}
datagrams_are_counted_by_both_ends() {
    serve
    tern perf -J -u -b 5M -l 1000 -t 1 -P 2 $kernel
    expect_status 0
    wait_server
    said out 'end["sum_sent"]["packets"] * 1000 == end["sum_sent"]["bytes"] > 0'
    said out '0 < end["sum_received"]["packets"] <= end["sum_sent"]["packets"]'
    said out 'start["protocol"] == "UDP" and end["sum_received"]["jitter_ms"] >= 0'
}
# Twice what the line takes: the queue before it overflows, but not before there is something to count.
lost_datagrams_are_told() {
    serve
    tern perf -J -u -b 8M -l 1000 -t 2 --fault rate=4mbit,queue=20 $kernel
    expect_status 0
    wait_server
    said out 'end["sum_received"]["lost_packets"] > 0 and 5 < end["sum_received"]["lost_percent"] < 90'
    said out 'end["sum_received"]["bytes"] == 1000 * (end["sum_received"]["packets"] - end["sum_received"]["lost_packets"])'
}
# Reno, which is nobody's by default.
a_congestion_control_is_the_senders() {
    serve
    tern perf -J -C reno -t 1 $kernel
    expect_status 0
    wait_server
    said out 'end["sender_tcp_congestion"] == "reno" and end["receiver_tcp_congestion"] != "reno"'
}
the_server_sends_by_the_congestion_control_it_is_told() {
    serve
    tern perf -J -R -C reno -t 1 $kernel
    expect_status 0
    wait_server
    said out 'end["sender_tcp_congestion"] == "reno" and end["receiver_tcp_congestion"] != "reno"'
}
we_send_by_the_congestion_control_that_iperf3_tells() {
    serve_ours
    iperf -J -R -C reno -t 1
    wait_tern
    expect_status 0
    said iperf.out 'end["sender_tcp_congestion"] == "reno"'
}
a_congestion_control_that_is_not_there_is_told() {
    tern perf -C westwould $kernel
    expect_status 2
    expect err "-C 'westwould': tern has no such congestion control"
    start iperf3 -s -1 >/dev/null 2>&1
    until_true eval '[ -n "$(ss -Hltn "sport = :5201")" ]'
    tern perf -R -t 1 -C westwould $kernel
    expect_status 1
    expect err "the server at $kernel:5201 sent by "
    expect err ", for it cannot by 'westwould'"
    expect out "tern received"
}
iperf3_hears_why_we_cannot_send_as_it_wishes() {
    serve_ours
    odd_client <<'END'
control = greet()
say_message(control, b'{"tcp":true,"reverse":true,"time":1,"parallel":1,"len":1000,"congestion":"westwould"}')
hear(control, b"\xfe")
assert struct.unpack(">II", take(control, 8)) == (134, 2)
END
    wait_tern
    expect_status 1
    expect err "wishes the congestion control 'westwould', which tern does not have"
}
iperf3_sends_to_us() {
    serve_ours
    iperf -t 1
    wait_tern
    expect_status 0
    grep -qE "^$kernel:[0-9]+ measures TCP, 1 stream, to here$" out || fail "not said"
    grep -qE "^$kernel:[0-9]+ sent [1-9][0-9]* bytes, .* retransmissions?; tern received [1-9][0-9]* bytes, " out ||
        fail "other figures"
}
# iperf3's clock ends after ours begins: what is left over is no interval, if it is not a tenth of
# one. How many there are is for the machine to say.
a_server_shows_no_interval_that_is_none() {
    serve_ours -J -i 0.5
    iperf -t 1
    wait_tern
    expect_status 0
    said out 'len(parts) >= 2 and all(part["sum"]["seconds"] >= 0.05 for part in parts)'
}
no_interval_is_shown_where_none_is_wanted() {
    serve
    tern perf -J -i 0 -t 1 $kernel
    expect_status 0
    said out 'parts == [] and end["sum_sent"]["bytes"] > 0'
}
iperf3_receives_from_us() {
    serve_ours
    iperf -J -t 1 -R -P 3
    wait_tern
    expect_status 0
    said iperf.out '0 < end["sum_received"]["bytes"] <= end["sum_sent"]["bytes"]'
    said iperf.out 'all(s["sender"]["retransmits"] >= 0 for s in end["streams"])'
    said iperf.out 'end["cpu_utilization_percent"]["remote_total"] > 0'
}
iperf3_goes_both_ways_with_us() {
    serve_ours -J
    iperf -J -t 1 --bidir -P 2
    wait_tern
    expect_status 0
    said iperf.out '0 < end["sum_received"]["bytes"] and 0 < end["sum_received_bidir_reverse"]["bytes"]'
    said out '0 < end["sum_received"]["bytes"] and 0 < end["sum_received_bidir_reverse"]["bytes"]'
}
iperf3_sends_us_datagrams() {
    serve_ours -J
    iperf -J -u -b 5M -l 1000 -t 1 -P 2 --udp-counters-64bit
    wait_tern
    expect_status 0
    said iperf.out '0 < end["sum"]["packets"] and end["sum"]["lost_packets"] <= end["sum"]["packets"]'
    said out '0 < end["sum_received"]["packets"] <= end["sum_sent"]["packets"]'
}
iperf3_gets_datagrams_from_us() {
    serve_ours
    iperf -J -u -R -b 5M -l 1000 -t 1
    wait_tern
    expect_status 0
    said iperf.out '0 < end["sum"]["packets"]'
}
a_second_client_is_told_to_wait() {
    start_tern perf -s -1
    until_says err "listening on"
    iperf3 -c $ours -t 60 >first.out 2>&1 &
    children+=("$!")
    local first=$!
    until_says out "measures TCP"
    until_true eval 'iperf3 -c $ours -t 1 2>&1 | grep -q busy'
    kill -0 "$first" || fail "the first has ended: $(cat first.out)"
    kill "$first"
    wait_tern
    expect_status 5
}
a_client_that_leaves_does_not_end_the_server() {
    start_tern perf -s
    until_says err "listening on"
    iperf3 -c $ours -t 60 >first.out 2>&1 &
    local first=$!
    until_says out bit/s
    kill -KILL "$first"
    wait "$first" 2>/dev/null
    until_says err "tern perf: $kernel:"
    iperf -t 1
    kill -INT "$tern"
    wait_tern
    expect_status 0
}
what_is_not_iperf3_does_not_end_the_server() {
    command -v socat >/dev/null || skip "socat is not installed"
    start_tern perf -s
    until_says err "listening on"
    head -c 5000 /dev/zero | socat -u - TCP:$ours:5201
    until_says err "tern perf: $kernel:"
    iperf -t 1
    kill -INT "$tern"
    wait_tern
    expect_status 0
}
# A byte now and then is no silence: the test ends by the clock.
a_client_that_does_not_end_its_test_is_left() {
    serve_ours
    odd_client <<'END'
control = set_up()
stream = add_stream()
hear(control, TEST_START, TEST_RUNNING)
begun = time.monotonic()
while not select.select([control], [], [], 0.1)[0]:
    assert time.monotonic() - begun < 60
    try:
        stream.sendall(b"q")
    except ConnectionError:
        pass  # the server closes the streams first
END
    wait_tern
    expect_status 1
    expect err "did not end the test when its time was over"
}
a_stranger_does_not_hold_up_the_streams() {
    serve_ours
    odd_client <<'END'
control = set_up()
silent = connect()
other = connect()
other.sendall(b"b" * 36 + b"\0")
half = connect()
half.sendall(COOKIE[:20])
stream = add_stream()
hear(control, TEST_START, TEST_RUNNING)
hear(silent, b"\xff")
hear(other, b"\xff")
finish(control)
END
    wait_tern
    expect_status 0
}
a_silent_caller_holds_up_no_client() {
    serve_ours
    odd_client <<'END'
silent = connect()
half = connect()
half.sendall(COOKIE[:20])
control = set_up()
hear(silent, b"\xff")
hear(half, b"\xff")
stream = add_stream()
hear(control, TEST_START, TEST_RUNNING)
finish(control)
END
    wait_tern
    expect_status 0
}
a_silent_client_does_not_keep_others_waiting() {
    serve_ours
    odd_client <<'END'
control = greet()
hear(connect(), b"\xff")
wish(control)
stream = add_stream()
hear(control, TEST_START, TEST_RUNNING)
control.sendall(TEST_END)
hear(control, EXCHANGE_RESULTS)
hear(connect(), b"\xff")
END
    wait_tern
    expect_status 5
}
results_that_make_no_sense_are_refused() {
    serve_ours -J
    odd_client <<'END'
control = set_up()
stream = add_stream()
hear(control, TEST_START, TEST_RUNNING)
control.sendall(TEST_END)
hear(control, EXCHANGE_RESULTS)
say_message(control, b'{"streams":[{"id":1,"bytes":1,"jitter":1e999}]}')
assert control.recv(1) == b""
END
    wait_tern
    expect_status 1
    expect err "make no sense"
    said out 'said["error"] and end["sum_received"]["bytes"] == 0 and "sum_sent" not in end'
}
a_server_may_come_later() {
    start_tern perf --wait 20 -t 1 $kernel
    until_says err "waiting for a server"
    serve
    wait_tern
    expect_status 0
    expect out "tern sent"
}
an_interruption_ends_the_test() {
    serve
    start_tern perf -t 60 $kernel
    until_says out bit/s
    kill -INT "$tern"
    wait_tern
    expect_status 130
    grep -qE '^tern sent [1-9][0-9]* bytes, [0-9.]+ [kMG]bit/s, [0-9]+ retransmissions?$' out || fail "no total"
    grep -qE '^CPU: tern [0-9]+ % \([0-9]+ user, [0-9]+ system\), [0-9.]+ s a GB$' out || fail "no CPU figures"
}
what_came_until_an_interruption_is_told() {
    serve
    start_tern perf -R -t 60 $kernel
    until_says out bit/s
    kill -INT "$tern"
    wait_tern
    expect_status 130
    grep -qE '^tern received [1-9][0-9]* bytes, [0-9.]+ [kMG]bit/s$' out || fail "no total"
}
# What goes before what is measured is no measure.
an_interruption_before_anything_counts_has_no_total() {
    serve
    start_tern perf -O 60 -t 1 $kernel
    until_says out omitted
    kill -INT "$tern"
    wait_tern
    expect_status 130
    expect_not out "tern sent"
}
an_interruption_leaves_whole_json() {
    serve
    start_tern perf -J -t 60 $kernel
    until_says out bits_per_second
    kill -INT "$tern"
    wait_tern
    expect_status 130
    said out 'parts and said["error"] and sum(part["sum"]["bytes"] for part in parts) <= end["sum_sent"]["bytes"]'
    said out '"sum_received" not in end and end["streams"][0].keys() == {"sender"}'
}

run_cases what_is_sent_is_what_the_server_receives the_server_sends_when_reversed \
    several_streams_and_json_add_up several_streams_come_when_reversed both_ways_go_at_once \
    so_many_bytes_are_enough what_is_omitted_is_not_counted a_rate_is_kept_to \
    datagrams_are_counted_by_both_ends lost_datagrams_are_told a_congestion_control_is_the_senders \
    the_server_sends_by_the_congestion_control_it_is_told \
    we_send_by_the_congestion_control_that_iperf3_tells a_congestion_control_that_is_not_there_is_told \
    iperf3_hears_why_we_cannot_send_as_it_wishes iperf3_sends_to_us \
    a_server_shows_no_interval_that_is_none no_interval_is_shown_where_none_is_wanted \
    iperf3_receives_from_us iperf3_goes_both_ways_with_us iperf3_sends_us_datagrams \
    iperf3_gets_datagrams_from_us a_second_client_is_told_to_wait \
    a_client_that_leaves_does_not_end_the_server what_is_not_iperf3_does_not_end_the_server \
    a_client_that_does_not_end_its_test_is_left a_stranger_does_not_hold_up_the_streams \
    a_silent_caller_holds_up_no_client a_silent_client_does_not_keep_others_waiting \
    results_that_make_no_sense_are_refused a_server_may_come_later an_interruption_ends_the_test \
    what_came_until_an_interruption_is_told an_interruption_before_anything_counts_has_no_total \
    an_interruption_leaves_whole_json
