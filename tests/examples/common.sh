# What the tests of the examples share; each sources this first. A case is a line `ok NAME`, `not ok
# NAME` or `skip NAME: reason` (scripts/test). The programs are in $EXAMPLES.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
failed=0
example=

finish() {
    [ -z "$example" ] || kill -KILL "$example" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

check() {
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        echo "ok $name"
    else
        echo "not ok $name"
        tail -n 20 "$work/log"
        [ ! -s "$work/errors" ] || tail -n 5 "$work/errors"
        failed=1
    fi
}

built() { [ -x "$EXAMPLES/$1" ]; }

# start NAME ARGUMENT...: runs an example until it has said its first line, which tells that it serves.
start() {
    local name=$1
    shift
    rm -f "$work/says"
    mkfifo "$work/says"
    "$EXAMPLES/$name" "$@" >"$work/says" 2>"$work/errors" &
    example=$!
    read -r -t 20 _ <"$work/says"
}

# Ends it as a user would; it must end well.
stop() {
    local status
    kill -TERM "$example"
    wait "$example"
    status=$?
    example=
    [ $status = 0 ] || echo "it ended with status $status"
    return $status
}
