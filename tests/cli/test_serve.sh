#!/bin/bash
# tern serve, used by programs on the kernel's TCP and UDP.
set -u
. "$(dirname "$0")/common.sh"
command -v socat >/dev/null || { echo "socat is not installed"; exit 77; }

ours=10.0.0.3

# serve SERVICE...: starts tern, and waits until it serves.
serve() {
    start_tern serve "$@"
    until_says out "to end"
}
# Ends it as Ctrl-C does.
serve_end() {
    kill -INT "$tern"
    wait_tern
    expect_status 0
    expect out "served:"
}

what_is_served_is_said_at_both_ends() {
    serve echo daytime:1313
    expect out "serving echo on $ours:7, TCP and UDP"
    expect out "serving daytime on $ours:1313, TCP and UDP"
    ping -n -q -c 2 -i 0.2 $ours >/dev/null || fail "no answer to pings"
    serve_end
    grep -qE '^  echo +port 7 .*TCP: 0 connections, 0 B in, 0 B out; +UDP: 0 datagrams' out || fail "no echo"
    grep -qE '^  ping +2 answered$' out || fail "no pings"
}
kill_ends_it_as_well() {
    serve echo
    kill -TERM "$tern"
    wait_tern
    expect_status 0
    expect out "served:"
}
echo_gives_back_what_came_over_tcp() {
    head -c 3000000 /dev/urandom >file
    serve echo
    socat -t 10 - TCP:$ours:7 <file >copy || fail "no connection"
    expect_same file copy
    serve_end
    expect out "TCP: 1 connection, 3.0 MB in, 3.0 MB out;"
}
many_connections_are_echoed_at_once() {
    serve echo:7000
    python3 - <<'END' || fail "not all was echoed"
import selectors, socket
N, SIZE = 200, 20000
payload = [bytes([n % 251]) * SIZE for n in range(N)]
loop = selectors.DefaultSelector()
back = [b""] * N
sent = [0] * N
for n in range(N):
    s = socket.create_connection(("10.0.0.3", 7000), 10)
    s.setblocking(False)
    loop.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE, n)
open_count = N
while open_count:
    ready = loop.select(20)
    assert ready, "nothing moves"
    for key, events in ready:
        n, s = key.data, key.fileobj
        if events & selectors.EVENT_WRITE:
            sent[n] += s.send(payload[n][sent[n]:])
            if sent[n] == SIZE:
                s.shutdown(socket.SHUT_WR)
                loop.modify(s, selectors.EVENT_READ, n)
        if events & selectors.EVENT_READ:
            data = s.recv(65536)
            back[n] += data
            if not data:
                loop.unregister(s)
                s.close()
                open_count -= 1
assert back == payload
END
    serve_end
    expect out "TCP: 200 connections, 4.0 MB in, 4.0 MB out;"
}
a_peer_that_does_not_read_stops_nobody() {
    serve echo:7000
    python3 - <<'END' || fail "the other connection starved"
import socket
deaf = socket.create_connection(("10.0.0.3", 7000), 10)
deaf.settimeout(1)
try:
    while True:
        deaf.send(b"x" * 65536)
except TimeoutError:
    pass
other = socket.create_connection(("10.0.0.3", 7000), 10)
other.sendall(b"hello")
assert other.recv(5) == b"hello"
END
    serve_end
}
discard_takes_everything() {
    serve discard
    head -c 1000000 /dev/zero | socat -t 10 - TCP:$ours:9 >back || fail "no connection"
    [ ! -s back ] || fail "it answered"
    serve_end
    expect out "TCP: 1 connection, 1.0 MB in, 0 B out;"
}
chargen_never_ends_and_never_errs() {
    serve chargen
    socat -u TCP:$ours:19 - 2>/dev/null | head -c 1000000 >text
    python3 -c '
line = lambda n: bytes(32 + (n + i) % 95 for i in range(72)) + b"\r\n"
pattern = b"".join(line(n) for n in range(95))
text = open("text", "rb").read()
assert len(text) == 1000000
assert text == (pattern * (len(text) // len(pattern) + 1))[:len(text)]' || fail "another pattern"
    serve_end
}
daytime_says_the_time_and_closes() {
    serve daytime
    socat -u TCP:$ours:13 - >text || fail "no connection"
    expect text "$(date +%Y)"
    [ "$(wc -l <text)" = 1 ] || fail "more than a line"
    serve_end
}
datagrams_are_answered() {
    serve echo discard chargen daytime
    [ "$(echo hello | socat -t 1 - UDP:$ours:7)" = hello ] || fail "no echo"
    [ "$(echo hello | socat -t 0.3 - UDP:$ours:9)" = "" ] || fail "discard answered"
    echo | socat -t 0.3 - UDP:$ours:19 >text
    [ "$(wc -c <text)" -le 512 ] && [ "$(wc -l <text)" = 6 ] || fail "no lines of chargen"
    echo | socat -t 0.3 - UDP:$ours:13 >text
    expect text "$(date +%Y)"
    serve_end
    grep -qE 'echo .*UDP: 1 datagram, 6 B in, 6 B out' out || fail "other counts"
}
# Two echo services would never stop (CA-1996-01).
datagrams_from_small_services_are_not_answered() {
    serve echo
    [ "$(echo hello | socat -t 0.3 - UDP:$ours:7,sourceport=7,reuseaddr)" = "" ] || fail "it answered port 7"
    [ "$(echo hello | socat -t 0.3 - UDP:$ours:7,sourceport=19,reuseaddr)" = "" ] || fail "it answered port 19"
    [ "$(echo hello | socat -t 1 - UDP:$ours:7)" = hello ] || fail "it does not answer others"
    serve_end
}
other_ports_refuse() {
    serve echo
    socat - TCP:$ours:8 </dev/null 2>said && fail "port 8 accepted"
    expect said "Connection refused"
    serve_end
}
# Each of four threads has its share of the connections; what is said at the end is of all.
several_queues_share_the_work() {
    serve --queues 4 --counters echo:7000
    [ "$(ls "/proc/$tern/task" | wc -l)" = 8 ] || fail "not a thread and a helper for each queue"
    python3 - <<'END' || fail "not all was echoed"
import socket
for n in range(40):
    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
        s = socket.socket(socket.AF_INET, kind)
        s.settimeout(10)
        s.connect(("10.0.0.3", 7000))
        s.sendall(b"%02d" % n)
        assert s.recv(9) == b"%02d" % n
        s.close()
END
    ping -n -q -c 2 -i 0.2 $ours >/dev/null || fail "no answer to pings"
    serve_end
    expect out "TCP: 40 connections, 80 B in, 80 B out;"
    expect out "UDP: 40 datagrams, 80 B in, 80 B out"
    grep -qE '^  ping +2 answered$' out || fail "no pings"
    grep -qE '^TcpPassiveOpens +40$' err || fail "counters are not those of all"
}
# What was served until then is told all the same, and why it ended only once.
a_device_that_is_taken_away_ends_it() {
    serve --queues 2 echo
    [ "$(echo hello | socat -t 1 - UDP:$ours:7)" = hello ] || fail "no echo"
    ip link del tern0
    wait_tern
    expect_status 1
    [ "$(grep -c "cannot go on: the device is gone" err)" = 1 ] || fail "not said once"
    expect out "UDP: 1 datagram, 6 B in, 6 B out"
}
number_of_queues_is_checked() {
    tern serve --queues 65 echo
    expect_status 2
    expect err "--queues"
    tern serve --queues 0 echo
    expect_status 2
}
a_device_of_the_other_kind_is_no_wrong_command_line() {
    ip tuntap add dev single0 mode tun
    tern serve --dev single0 --queues 2 echo
    expect_status 3
    expect err "ip tuntap add dev single0 mode tun multi_queue"
    ip link del single0
    ip tuntap add dev several0 mode tun multi_queue
    tern serve --dev several0 echo
    ip link del several0
    expect_status 3
    expect err "device several0 exists and is no TUN device with a single queue"
}

run_cases what_is_served_is_said_at_both_ends kill_ends_it_as_well echo_gives_back_what_came_over_tcp \
    many_connections_are_echoed_at_once a_peer_that_does_not_read_stops_nobody discard_takes_everything \
    chargen_never_ends_and_never_errs daytime_says_the_time_and_closes datagrams_are_answered \
    datagrams_from_small_services_are_not_answered other_ports_refuse several_queues_share_the_work \
    a_device_that_is_taken_away_ends_it number_of_queues_is_checked a_device_of_the_other_kind_is_no_wrong_command_line
