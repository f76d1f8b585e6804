#!/bin/bash
# --sandbox, and what else can go wrong before the stack is there.
set -u
. "$(dirname "$0")/common.sh"

kernel=10.0.0.2

needs_sandbox() {
    "$TERN" ping --sandbox -c 1 $kernel >out 2>err </dev/null
    case $? in
    0) ;;
    3) skip "$(head -n 1 err)" ;;
    *) fail "no sandbox" ;;
    esac
}

a_sandbox_needs_nothing() {
    needs_sandbox
    tern ping --sandbox -c 1 $kernel
    expect_status 0
    expect out "1 received"
    expect err "sandbox: to run a program on the kernel's side:  nsenter -t "
}
a_sandbox_leaves_the_host_alone() {
    needs_sandbox
    ip -o addr >before
    start_tern serve --sandbox echo
    until_says out "to end"
    ip -o addr >after
    kill -INT "$tern"
    wait_tern
    expect_status 0
    expect_same before after
}
two_sandboxes_do_not_meet() {
    needs_sandbox
    start_tern serve --sandbox echo
    until_says out "to end"
    "$TERN" ping --sandbox -c 1 $kernel >out2 2>err2 || fail "the second failed: $(cat err2)"
}
the_way_in_that_is_printed_works() {
    needs_sandbox
    command -v socat >/dev/null || skip "socat is not installed"
    head -c 100000 /dev/urandom >file
    start_tern recv --sandbox 8000 copy
    until_says err "listening"
    local way_in
    way_in=$(sed -n 's/.*: *\(nsenter .*\) COMMAND$/\1/p' err)
    $way_in socat -u OPEN:file,rdonly TCP:10.0.0.3:8000 || fail "cannot get in: $way_in"
    wait_tern
    expect_status 0
    expect_same file copy
}
a_receiver_may_come_later() {
    needs_sandbox
    command -v socat >/dev/null || skip "socat is not installed"
    head -c 100000 /dev/urandom >file
    start_tern send --sandbox --wait 20 $kernel:8000 file
    until_says err "waiting for a receiver"
    local way_in
    way_in=$(sed -n 's/.*: *\(nsenter .*\) COMMAND$/\1/p' err)
    $way_in socat -u TCP-LISTEN:8000 CREATE:copy || fail "cannot get in: $way_in"
    wait_tern
    expect_status 0
    expect_same file copy
}
an_empty_sandbox_is_explained() {
    needs_sandbox
    head -c 1000 /dev/urandom >file
    tern send --sandbox $kernel:8000 file
    expect_status 4
    expect err "tern send: $kernel:8000 refused the connection"
    expect err "A sandbox is new and empty: nothing listens in it until you start it there"
}
the_rest_of_the_world_is_not_there() {
    needs_sandbox
    tern send --sandbox --set tcp.rto_initial_ms=100 --set tcp.syn_retries=1 192.0.2.1:80 /dev/null
    expect_status 7
    expect err "From within a sandbox only its other side, $kernel, can be reached."
}
values_of_settings_are_checked() {
    tern ping --set ip.ttl=256 $kernel
    expect_status 2
    expect err "ip.ttl"
    tern ping --set ip.ttl=long $kernel
    expect_status 2
    expect err "ip.ttl"
}
a_busy_device_is_named() {
    start_tern serve echo
    until_says out "to end"
    "$TERN" ping -c 1 $kernel >out2 2>err2 </dev/null
    status=$?
    expect_status 3
    expect err2 "tern ping: device tern0 is in use by another program, or another stack of this one: end it, or choose another device (--dev NAME)"
}
an_address_that_the_host_has_is_named() {
    ip addr add 10.7.7.7/32 dev lo
    "$TERN" ping -c 1 --addr 10.7.7.7/24 --peer 10.7.7.2 10.7.7.2 >out 2>err </dev/null
    status=$?
    ip addr del 10.7.7.7/32 dev lo
    expect_status 3
    expect err "10.7.7.7"
}
a_capture_is_one_that_others_read() {
    tern ping -c 2 -i 0.01 --capture pings.pcapng $kernel
    expect_status 0
    [ "$(head -c 4 pings.pcapng | od -An -tx1)" = " 0a 0d 0d 0a" ] || fail "not a pcapng file"
    command -v tshark >/dev/null || return 0
    [ "$(tshark -r pings.pcapng -Y 'icmp && !_ws.malformed' 2>/dev/null | wc -l)" = 4 ] ||
        fail "not the two requests and the two replies"
}
a_capture_that_cannot_be_written_is_named() {
    tern ping -c 1 --capture missing/file $kernel
    expect_status 3
    expect err "missing/file"
}
# The other end has all of it, and the command says what is missing.
a_capture_that_ends_before_its_time_is_told() {
    [ -e /dev/full ] || skip "no /dev/full"
    tern ping -c 1 --capture /dev/full $kernel
    expect_status 1
    expect out "1 received"
    expect err "tern ping: the capture in /dev/full is incomplete: No space left on device"
    command -v socat >/dev/null || skip "socat is not installed"
    head -c 1000000 /dev/urandom >file
    start socat -u TCP-LISTEN:8000 CREATE:copy
    tern send --wait 10 --capture /dev/full $kernel:8000 file
    expect_status 1
    expect out "delivered 1000000 bytes"
    expect err "tern send: the capture in /dev/full is incomplete: No space left on device"
    wait "${children[0]}"
    expect_same file copy
}
without_permission_the_sandbox_is_offered() {
    [ "$(id -u)" = 0 ] || skip "not root here: no other user to become"
    chmod 755 "$work" .
    cp "$TERN" tern
    setpriv --reuid=65534 --regid=65534 --clear-groups ./tern --version >/dev/null 2>&1 ||
        skip "root here cannot become another user"
    setpriv --reuid=65534 --regid=65534 --clear-groups ./tern ping -c 1 $kernel >out 2>err
    status=$?
    expect_status 3
    if [ -r /dev/net/tun ] && [ "$(stat -c %a /dev/net/tun)" = 666 ]; then
        expect err "or use --sandbox"
    else
        expect err "it needs read and write permission on that file"
    fi
}
# Who may make a device still needs to open the file.
a_device_file_without_permission_is_told_from_a_capability() {
    [ "$(id -u)" = 0 ] || skip "not root here: nothing to take away"
    mknod tun c 10 200 2>/dev/null && chmod 600 tun || skip "no device node can be made here"
    chmod 755 "$work" .
    cp "$TERN" tern
    cat >try <<'end'
mount --bind tun /dev/net/tun &&
    exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+net_admin --ambient-caps=+net_admin \
        ./tern ping -c 1 10.0.0.2
end
    unshare -m bash try >out 2>err
    status=$?
    grep -q "^tern" err || skip "no mounts here: $(cat err)"
    expect_status 3
    expect err "no permission to open /dev/net/tun, whose mode is 0600"
    expect_not err "sandbox"
}
another_kind_of_device_is_told_to_be_one() {
    tern ping -c 1 --dev lo $kernel
    expect_status 3
    expect err "tern ping: device lo exists and is no TUN device: choose another"
}
a_sandbox_without_the_device_is_told_what_to_do() {
    [ "$(id -u)" = 0 ] || skip "not root here: no other user to become"
    [ "$(stat -c %a /dev/net/tun)" = 600 ] || skip "/dev/net/tun is open to others here"
    chmod 755 "$work" .
    cp "$TERN" tern
    setpriv --reuid=65534 --regid=65534 --clear-groups unshare -Urn true 2>/dev/null ||
        skip "no user namespaces for other users"
    setpriv --reuid=65534 --regid=65534 --clear-groups ./tern ping --sandbox -c 1 $kernel >out 2>err
    status=$?
    expect_status 3
    expect err "tern ping: --sandbox: no permission to open /dev/net/tun; as root, once: chmod 666 /dev/net/tun"
}

run_cases a_sandbox_needs_nothing a_sandbox_leaves_the_host_alone two_sandboxes_do_not_meet \
    the_way_in_that_is_printed_works a_receiver_may_come_later an_empty_sandbox_is_explained \
    the_rest_of_the_world_is_not_there values_of_settings_are_checked \
    a_busy_device_is_named an_address_that_the_host_has_is_named a_capture_is_one_that_others_read \
    a_capture_that_cannot_be_written_is_named a_capture_that_ends_before_its_time_is_told \
    without_permission_the_sandbox_is_offered \
    a_device_file_without_permission_is_told_from_a_capability another_kind_of_device_is_told_to_be_one \
    a_sandbox_without_the_device_is_told_what_to_do
