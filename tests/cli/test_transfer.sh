#!/bin/bash
# tern send and tern recv, against programs on the kernel's TCP.
set -u
. "$(dirname "$0")/common.sh"
command -v socat >/dev/null || { echo "socat is not installed"; exit 77; }

ours=10.0.0.3
kernel=10.0.0.2

# receive FILE: a program that takes one connection on port 8000 and ends.
receive() { start socat -u TCP-LISTEN:8000,reuseaddr "CREATE:$1"; }
# send_to_tern FILE: a program that sends a file to tern, as soon as it listens.
send_to_tern() { start socat -u "OPEN:$1,rdonly" "TCP:$ours:8000,retry=100,interval=0.1"; }
random_file() { head -c "$2" /dev/urandom >"$1"; }
# A program on the kernel's TCP, in Python, with `connection` to the other side.
peer() {
    start python3 -c "
import socket, struct, sys
$1"
}
accepted='connection, _ = socket.create_server(("0.0.0.0", 8000)).accept()'
connected='
import time
while True:
    try:
        connection = socket.create_connection(("10.0.0.3", 8000), 1)
        break
    except OSError:
        time.sleep(0.1)
'
resets='
connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
connection.close()
'

a_file_is_delivered_and_its_figures_are_told() {
    random_file file 3000000
    receive copy
    tern send --wait 10 $kernel:8000 file
    expect_status 0
    wait "${children[0]}" || fail "the receiver failed"
    expect_same file copy
    grep -qE "^delivered 3000000 bytes \(3\.0 MB\) to $kernel:8000 in [0-9.]+ s, [0-9.]+ [kMG]?B/s, [0-9]+ retransmissions?, smoothed RTT [0-9.]+ ms$" out ||
        fail "other figures"
}
standard_input_is_delivered() {
    random_file file 100000
    receive copy
    "$TERN" send --wait 10 $kernel:8000 <file >out 2>err
    status=$?
    expect_status 0
    wait "${children[0]}" || fail "the receiver failed"
    expect_same file copy
}
what_comes_late_into_a_pipe_is_delivered() {
    mkfifo pipe
    receive copy
    "$TERN" send --wait 10 $kernel:8000 - <pipe >out 2>err &
    tern=$!
    children+=("$tern")
    exec 3>pipe
    printf 'first, ' >&3
    until_says copy first
    printf 'second' >&3
    exec 3>&-
    wait_tern
    expect_status 0
    wait "${children[0]}"
    [ "$(cat copy)" = "first, second" ] || fail "it is: $(cat copy)"
}
nothing_at_all_is_delivered() {
    : >file
    receive copy
    tern send --wait 10 $kernel:8000 file
    expect_status 0
    wait "${children[0]}" || fail "the receiver failed"
    expect out "delivered 0 bytes"
    [ -e copy ] && [ ! -s copy ] || fail "no empty copy"
}
a_bad_network_does_not_show_in_the_file() {
    random_file file 300000
    receive copy
    tern send --wait 10 --fault loss=5%,dup=1%,reorder=5%,corrupt=2%,seed=7 --trace $kernel:8000 file
    expect_status 0
    wait "${children[0]}" || fail "the receiver failed"
    expect_same file copy
    expect err "TCP checksum wrong (RFC 9293"
}
refusal_has_its_message_and_status() {
    random_file file 1000
    tern send $kernel:8000 file
    expect_status 4
    expect err "tern send: $kernel:8000 refused the connection: nothing listens there"
}
waiting_for_a_receiver_ends_too() {
    random_file file 1000
    tern send --wait 0.5 $kernel:8000 file
    expect_status 4
    expect err "waiting for a receiver at $kernel:8000"
    expect err "refused the connection"
}
reset_by_the_receiver_has_its_message_and_status() {
    random_file file 5000000
    peer "$accepted
connection.recv(1000)
$resets"
    tern send --wait 10 $kernel:8000 file
    expect_status 5
    expect err "tern send: $kernel:8000 reset the connection"
    expect_not out delivered
}
silence_has_its_message_and_status() {
    random_file file 1000
    tern send --set tcp.rto_initial_ms=100 --set tcp.syn_retries=2 10.0.0.77:8000 file
    expect_status 7
    expect err "tern send: no answer from 10.0.0.77:8000: check the address, whether the receiver runs there"
}
unreachability_has_its_message_and_status() {
    { echo 1 >/proc/sys/net/ipv4/ip_forward; } 2>/dev/null || skip "this kernel's forwarding cannot be changed"
    ip route add unreachable 10.99.0.0/16
    random_file file 1000
    tern send --set tcp.rto_initial_ms=100 --set tcp.syn_retries=2 10.99.0.1:8000 file
    ip route del unreachable 10.99.0.0/16
    echo 0 >/proc/sys/net/ipv4/ip_forward
    expect_status 6
    expect err "tern send: 10.99.0.1:8000 is unreachable"
}
an_interrupted_sender_resets() {
    peer "$accepted
while connection.recv(10):
    pass"
    mkfifo pipe
    "$TERN" send --wait 10 $kernel:8000 - <pipe >out 2>err &
    tern=$!
    children+=("$tern")
    exec 3>pipe
    printf 'never ended' >&3
    until_true ss_shows ESTAB
    kill -INT "$tern"
    wait_tern
    exec 3>&-
    expect_status 130
    expect err "tern send: interrupted"
    wait "${children[0]}" && fail "the receiver took it for the end"
    return 0
}
ss_shows() { ss -Htn "( sport = :8000 )" | grep -q "$1"; }

a_file_is_received_whole() {
    random_file file 3000000
    start_tern recv 8000 copy
    send_to_tern file
    wait_tern
    expect_status 0
    expect err "listening on $ours:8000"
    expect_same file copy
    expect_only file copy
    grep -qE "^received 3000000 bytes \(3\.0 MB\) from $kernel:[0-9]+ in [0-9.]+ s, [0-9.]+ [kMG]?B/s, into copy$" out ||
        fail "other figures"
}
standard_output_receives() {
    random_file file 100000
    start_tern recv 8000
    send_to_tern file
    wait_tern
    expect_status 0
    expect_same file out
    expect err "received 100000 bytes"
}
an_old_file_is_replaced_only_by_a_whole_one() {
    echo old >copy
    random_file file 1000
    start_tern recv 8000 copy
    peer "$connected
connection.sendall(b'half')
$resets"
    wait_tern
    expect_status 5
    [ "$(cat copy)" = old ] || fail "the old file is gone"
    start_tern recv 8000 copy
    send_to_tern file
    wait_tern
    expect_status 0
    expect_same file copy
    expect_only file copy
}
a_sender_that_resets_leaves_no_file() {
    start_tern recv 8000 copy
    peer "$connected
connection.sendall(b'half')
$resets"
    wait_tern
    expect_status 5
    expect err "reset the connection"
    expect err "nothing was kept"
    expect_only
}
an_interruption_leaves_no_file() {
    local signal
    for signal in INT TERM HUP; do
        start_tern recv 8000 copy
        peer "$connected
connection.sendall(b'half')
connection.recv(1)"
        until_true ss_shows_sent
        kill -$signal "$tern"
        wait_tern
        [ "$status" = $((128 + $(kill -l $signal))) ] || fail "status $status"
        expect err "tern recv: interrupted; nothing was kept"
        expect_only
        stop_children
    done
}
# The peer's bytes have been acknowledged.
ss_shows_sent() { ss -Htnoi "( dport = :8000 )" | grep -q "bytes_acked:5"; }
an_interruption_before_any_connection_leaves_no_file() {
    start_tern recv 8000 copy
    until_says err "listening"
    kill -INT "$tern"
    wait_tern
    expect_status 130
    expect err "tern recv: interrupted; nothing was received"
    expect_only
}
# A file system of 64 kB, in a mount namespace that ends with the command.
a_full_disk_leaves_no_file_and_tells_the_sender() {
    mkdir small
    unshare --mount true 2>/dev/null || skip "no mount namespace here"
    unshare --mount bash -c 'mount -t tmpfs -o size=64k none small' || skip "no tmpfs can be mounted here"
    random_file file 3000000
    unshare --mount bash -c '
        mount -t tmpfs -o size=64k none small
        "$0" recv 8000 small/copy
        status=$?
        ls -A small >left
        exit $status' "$TERN" >out 2>err </dev/null &
    tern=$!
    children+=("$tern")
    send_to_tern file
    wait_tern
    expect_status 1
    expect err "tern recv: cannot write small/copy: No space left on device; nothing was kept"
    [ ! -s left ] || fail "left behind: $(cat left)"
    wait "${children[1]}" && fail "the sender believes that all was well"
    return 0
}
# What is said must not get into the file in place of the closed standard error, nor the data into the
# device in place of the closed standard output.
closed_standard_streams_spoil_nothing() {
    random_file file 1000
    start_tern recv 8000 copy 2>&-
    send_to_tern file
    wait_tern
    expect_status 0
    expect_same file copy
    "$TERN" recv 8000 >&- 2>err </dev/null &
    tern=$!
    children+=("$tern")
    send_to_tern file
    wait_tern
    expect_status 1
    expect err "tern recv: cannot write standard output: Bad file descriptor"
    "$TERN" send $kernel:8000 <&- 2>err
    status=$?
    expect_status 1
    expect err "tern send: cannot read standard input: Bad file descriptor"
}
a_full_standard_output_is_told() {
    [ -e /dev/full ] || skip "no /dev/full"
    random_file file 1000
    "$TERN" recv 8000 >/dev/full 2>err </dev/null &
    tern=$!
    children+=("$tern")
    send_to_tern file
    wait_tern
    expect_status 1
    expect err "tern recv: cannot write standard output: No space left on device"
}
the_bar_is_shown_on_a_terminal_only() {
    command -v script >/dev/null || skip "script (util-linux) is not installed"
    script -qec true /dev/null >/dev/null 2>&1 </dev/null || skip "there is no pseudo-terminal here"
    random_file file 3000000
    receive copy
    SHELL=/bin/sh script -qec "$TERN send --wait 10 --fault rate=40mbit $kernel:8000 file" screen >/dev/null 2>&1 </dev/null
    wait "${children[0]}"
    expect_same file copy
    grep -q '%  .*MB/s' screen || fail "no bar on a terminal"
    receive copy2
    tern send --wait 10 $kernel:8000 file
    expect_status 0
    expect_not err '%'
}
the_trace_shows_the_connection_from_its_first_to_its_last() {
    random_file file 5000
    receive copy
    tern send --wait 10 --trace $kernel:8000 file
    expect_status 0
    grep -qE "^ +[0-9]+\.[0-9]{6} out  $ours:[0-9]+ > $kernel:8000 TCP \[S\] seq 0, win [0-9]+, length 0, options \[mss 1460, " err ||
        fail "no SYN"
    grep -qE " in   $kernel:8000 > $ours:[0-9]+ TCP \[S\.\] seq 0, ack 1, " err || fail "no SYN,ACK"
    grep -qE " in   $kernel:8000 > $ours:[0-9]+ TCP \[\.\] seq 1, ack 5001, win [0-9]+, " err ||
        fail "no last ACK of data"
    grep -qE " out  $ours:[0-9]+ > $kernel:8000 TCP \[F[P.]+\] seq [0-9:]+, ack 1, " err || fail "no FIN"
    grep -qE " in   $kernel:8000 > $ours:[0-9]+ TCP \[F\.\] seq 1, ack 5002, " err || fail "no FIN of the peer"
    grep -qE " out  $ours:[0-9]+ > $kernel:8000 TCP \[\.\] seq 5002, ack 2, " err || fail "no last ACK"
}
what_was_counted_is_printed() {
    random_file file 5000
    receive copy
    tern send --wait 10 --counters $kernel:8000 file
    expect_status 0
    grep -qE '^TcpActiveOpens +[1-9][0-9]*$' err || fail "no TcpActiveOpens"
    expect_not err TcpPassiveOpens
}

run_cases a_file_is_delivered_and_its_figures_are_told standard_input_is_delivered \
    what_comes_late_into_a_pipe_is_delivered nothing_at_all_is_delivered \
    a_bad_network_does_not_show_in_the_file refusal_has_its_message_and_status \
    waiting_for_a_receiver_ends_too reset_by_the_receiver_has_its_message_and_status \
    silence_has_its_message_and_status unreachability_has_its_message_and_status \
    an_interrupted_sender_resets a_file_is_received_whole standard_output_receives \
    an_old_file_is_replaced_only_by_a_whole_one a_sender_that_resets_leaves_no_file \
    an_interruption_leaves_no_file an_interruption_before_any_connection_leaves_no_file \
    a_full_disk_leaves_no_file_and_tells_the_sender closed_standard_streams_spoil_nothing a_full_standard_output_is_told \
    the_bar_is_shown_on_a_terminal_only the_trace_shows_the_connection_from_its_first_to_its_last \
    what_was_counted_is_printed
