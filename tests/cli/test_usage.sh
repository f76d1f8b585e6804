#!/bin/bash
# What is wrong with a command line or a file is said before anything of the system is asked: these
# need no privilege.
set -u
. "$(dirname "$0")/common.sh"

# usage TEXT ARGUMENT...: fails as a usage error, with this on standard error and nothing on output.
usage() {
    local text=$1
    shift
    tern "$@"
    expect_status 2
    expect err "$text"
    [ ! -s out ] || fail "it wrote to standard output"
}

no_command_prints_help_and_fails() {
    usage "Usage: tern COMMAND"
}
unknown_commands_are_named() {
    usage "tern: there is no command 'sned'" sned
    usage "tern: a command comes before the option '--sandbox'" --sandbox send
}
every_command_has_help() {
    local command
    for command in send recv ping serve; do
        tern $command --help
        expect_status 0
        expect out "Usage: tern $command"
        expect out "--fault LIST"
        expect out "Exit status:"
        [ ! -s err ] || fail "it wrote to standard error"
        mv out by_option
        tern help $command
        expect_status 0
        expect_same out by_option
    done
    tern --help
    expect_status 0
    expect out "Exit status:"
    usage "no help on 'sned'" help sned
}
settings_are_listed() {
    tern help settings
    expect_status 0
    expect out "ip.ttl=64"
    expect out "a whole number from 1 to 255"
    expect out "tcp.congestion_control=cubic"
    expect out "one of cubic|reno|bbr"
}
counters_are_listed() {
    tern help counters
    expect_status 0
    expect out "TcpRetransSegs"
    expect out "segments sent again"
    expect out "DropTCP_CHECKSUM"
    expect out "dropped: TCP checksum wrong"
}
version_is_told() {
    tern --version
    expect_status 0
    grep -qE '^tern [0-9]+\.[0-9]+\.[0-9]+$' out || fail "no version"
}
a_full_standard_output_is_an_error() {
    [ -e /dev/full ] || skip "no /dev/full"
    "$TERN" --help >/dev/full 2>err
    status=$?
    expect_status 1
}
words_too_many_are_named() {
    usage "tern: 'x' is one word too many; see 'tern --help'" --version x
    usage "tern: 'x' is one word too many" help send x
    usage "tern: 'x' is one word too many" help counters x
}
the_exit_statuses_are_the_commands_own() {
    tern serve --help
    expect out "  0    success; interrupted, terminated or hung up too"
    expect_not out "  130 "
    expect_not out "  4  "
    tern ping --help
    expect out "  130  interrupted"
    expect_not out "  4  "
    tern send --help
    expect out "  4    refused"
}
unknown_options_are_named() {
    usage "tern send: unknown option '--tarce'" send --tarce 10.0.0.2:8000
    usage "See 'tern send --help'." send --tarce 10.0.0.2:8000
    usage "tern ping: unknown option '-x'" ping -x 10.0.0.2
}
arguments_that_miss_are_asked_for() {
    usage "tern send: where to? give a HOST:PORT like 10.0.0.2:8000" send
    usage "tern recv: on which port? give a number like 8000" recv
    usage "tern ping: whom? give an address like 10.0.0.2" ping
    usage "tern serve: which services? give some of echo, discard, chargen and daytime" serve
}
arguments_too_many_are_named() {
    usage "'third' is one argument too many" send 10.0.0.2:8000 file third
    usage "'third' is one argument too many" recv 8000 file third
    usage "'10.0.0.4' is one argument too many, 1 at most" ping 10.0.0.2 10.0.0.4
}
ports_are_within_range() {
    usage "port '65536' is not a number from 1 to 65535" send 10.0.0.2:65536
    usage "port '0' is not a number from 1 to 65535" recv 0
    usage "port 'http' is not a number from 1 to 65535" recv http
    usage "port '70000' is not a number from 1 to 65535" serve echo:70000
}
hosts_are_addresses() {
    usage "'10.0.0.2' has no port; write it as 10.0.0.2:8000" send 10.0.0.2
    usage "host 'localhost' is not an IPv4 address like 10.0.0.2" send localhost:80
    usage "host '10.0.0' is not an IPv4 address" ping 10.0.0
}
networks_are_in_cidr_form() {
    usage "--addr '10.0.0.3' is not an IPv4 address and its prefix's length" ping --addr 10.0.0.3 10.0.0.2
    usage "--addr '10.0.0.3/33' is not" ping --addr 10.0.0.3/33 10.0.0.2
    usage "--addr '10.0.0.300/24' is not" ping --addr 10.0.0.300/24 10.0.0.2
    usage "--addr '10.0.0.3/32' is not an IPv4 address and its prefix's length, 1 to 31" ping --addr 10.0.0.3/32 10.0.0.2
    usage "--addr 10.9.0.3/24: give --peer too" ping --addr 10.9.0.3/24 10.9.0.2
    usage "--addr 10.0.0.2/24: give --peer too" ping --addr 10.0.0.2/24 10.0.0.3
    usage "--peer 'kernel' is not an IPv4 address" ping --peer kernel 10.0.0.2
}
numbers_are_within_their_bounds() {
    usage "--mtu '67' is not a number from 68 to 65535" ping --mtu 67 10.0.0.2
    usage "-c '0' is not a number from 1" ping -c 0 10.0.0.2
    usage "-s '65508' is not a number from 0 to 65507" ping -s 65508 10.0.0.2
    usage "-i '0' is too short" ping -i 0 10.0.0.2
    usage "-i 'fast' is not a number of seconds" ping -i fast 10.0.0.2
}
settings_are_known() {
    usage "no setting is called 'ip.tll'; 'tern help settings' lists them" ping --set ip.tll=9 10.0.0.2
    usage "--set 'ip.ttl' is not of the form NAME=VALUE" ping --set ip.ttl 10.0.0.2
}
faults_are_understood() {
    usage "loss" ping --fault loss=lots 10.0.0.2
    usage "sloth" ping --fault sloth=5% 10.0.0.2
}
services_are_known_and_have_ports_of_their_own() {
    usage "no service 'ehco'; there are echo, discard, chargen and daytime" serve ehco
    usage "echo and discard:7 want the same port, 7" serve echo discard:7
}
files_that_are_not_there_are_named() {
    tern send 10.0.0.2:8000 missing
    expect_status 1
    expect err "tern send: cannot read missing: No such file or directory"
    tern recv 8000 missing/file
    expect_status 1
    expect err "tern recv: cannot create missing/file: No such file or directory"
}
an_empty_name_is_no_file() {
    tern send 10.0.0.2:8000 ""
    expect_status 1
    expect err "tern send: the file to be sent has an empty name"
    tern recv 8000 ""
    expect_status 1
    expect err "tern recv: the file to write has an empty name"
}
# Neither by another name, nor as a standard stream.
a_capture_spares_the_file() {
    local name
    echo precious >file
    ln -s file link
    ln file twin
    for name in file link twin ./file; do
        usage "--capture $name: that is the file to be sent" send --capture $name 10.0.0.2:8000 file
        usage "--capture $name: that is the file to be written" recv --capture $name 8000 file
    done
    "$TERN" send --capture file 10.0.0.2:8000 <file >out 2>err
    status=$?
    expect_status 2
    expect err "that is the file to be sent"
    usage "--capture new: that is the file to be written" recv --capture new 8000 new
    [ "$(cat file)" = precious ] || fail "the file is overwritten"
    expect_only file link twin
}
# Nothing tells that it waits: that it looks for interruptions, and sleeps, has to do.
looks_for_interruptions() {
    [ "$(cat "/proc/$tern/comm")" = tern ] && grep -qE '^SigCgt:.*[2367abef]$' "/proc/$tern/status" &&
        grep -qE '^State:\s*S' "/proc/$tern/status"
}
an_interruption_ends_the_wait_for_a_pipe() {
    mkfifo pipe
    local words
    for words in "send 10.0.0.2:8000 pipe" "recv 8000 pipe"; do
        # shellcheck disable=SC2086 # words
        start_tern $words
        until_true looks_for_interruptions
        kill -INT "$tern"
        wait_tern
        expect_status 130
        expect err "interrupted; nothing was"
    done
}
directories_are_no_files() {
    mkdir folder
    tern send 10.0.0.2:8000 folder
    expect_status 1
    expect err "cannot read folder: it is a directory; pack it first"
    tern recv 8000 folder
    expect_status 1
    expect err "cannot create folder: Is a directory; give the name of a file in it"
    expect_only folder
}
# As root every file can be read: there, another user tries, with a copy that this user may run.
files_and_directories_without_permission_are_named() {
    echo secret >file
    chmod 000 file
    mkdir shut
    chmod 555 shut
    local as=()
    if [ "$(id -u)" = 0 ]; then
        as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
        chmod 755 "$work" .
        cp "$TERN" tern
        TERN=./tern
        "${as[@]}" ./tern --version >/dev/null 2>&1 || skip "root here cannot become another user"
    fi
    "${as[@]}" "$TERN" send 10.0.0.2:8000 file >out 2>err
    status=$?
    expect_status 1
    expect err "tern send: cannot read file: Permission denied"
    "${as[@]}" "$TERN" recv 8000 shut/file >out 2>err
    status=$?
    expect_status 1
    expect err "tern recv: cannot create shut/file: Permission denied"
}

run_cases no_command_prints_help_and_fails unknown_commands_are_named every_command_has_help \
    settings_are_listed counters_are_listed version_is_told a_full_standard_output_is_an_error \
    words_too_many_are_named the_exit_statuses_are_the_commands_own \
    unknown_options_are_named arguments_that_miss_are_asked_for arguments_too_many_are_named \
    ports_are_within_range hosts_are_addresses networks_are_in_cidr_form \
    numbers_are_within_their_bounds settings_are_known faults_are_understood \
    services_are_known_and_have_ports_of_their_own files_that_are_not_there_are_named \
    an_empty_name_is_no_file a_capture_spares_the_file an_interruption_ends_the_wait_for_a_pipe \
    directories_are_no_files files_and_directories_without_permission_are_named
