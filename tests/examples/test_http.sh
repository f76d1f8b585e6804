#!/bin/bash
# The HTTP server and client, with Python's on Linux's own TCP as their peers.
. "$(dirname "$0")/common.sh"

if ! built http_server; then
    echo "skip http: http_parser is not installed"
    exit 0
fi
mkdir -p "$work/site/folder"
echo hello >"$work/site/index.html"
: >"$work/site/empty"
head -c 3000000 /dev/urandom >"$work/site/big"
echo secret >"$work/secret"
ln -s ../secret "$work/site/link"

check the_server_begins start http_server "$work/site"
check the_server_answers python3 "$here/http_peer.py" "$work/site"
check the_server_ends_when_asked stop

# The client makes the device, and the kernel's server is to listen on it: it listens on all.
python3 -u -m http.server --directory "$work/site" 8000 >"$work/server" 2>&1 &
server=$!
trap 'kill $server; finish' EXIT
until (: </dev/tcp/127.0.0.1/8000) 2>/dev/null; do kill -0 $server || exit 1; done
get() { "$EXAMPLES/http_client" "http://10.0.0.2:8000$1" >"$work/got" 2>"$work/errors"; }
fetches() { get "$1" && cmp "$work/got" "$work/site/$1"; }
tells() {
    get "$1"
    [ $? = 1 ] && grep -q "$2" "$work/errors"
}
check the_client_fetches_a_file fetches /big
check the_client_fetches_an_empty_file fetches /empty
check the_client_tells_what_is_not_there tells /nothing '404 File not found'
refused() { "$EXAMPLES/http_client" http://10.0.0.2:9/ 2>&1 | grep -q 'Connection refused'; }
check the_client_tells_who_does_not_serve refused
wrong() {
    "$EXAMPLES/http_client" "$1"
    [ $? = 2 ]
}
check the_client_refuses_what_is_no_url wrong 10.0.0.2
exit $failed
