#!/bin/bash
# The echo server in each loop, with Linux as its peer.
. "$(dirname "$0")/common.sh"

for loop in epoll uv event; do
    if ! built "echo_$loop"; then
        echo "skip $loop: its library is not installed"
        continue
    fi
    check "echo_${loop}_begins" start "echo_$loop"
    check "echo_${loop}_answers_many_at_once" python3 "$here/echo_peer.py"
    check "echo_${loop}_ends_when_asked" stop
done
exit $failed
