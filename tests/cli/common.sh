# What the tests of the command share; each sources this. $TERN is the command. A case is a function:
# `run_cases NAME...` runs each in a fresh directory and prints "ok NAME", "not ok NAME" or
# "skip NAME: reason".

work=$(mktemp -d)
children=()

cleanup() {
    trap - EXIT
    stop_children
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

stop_children() {
    local child
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null
    done
    for child in "${children[@]}"; do
        wait "$child" 2>/dev/null
    done
    children=()
}

# Ends a case: it runs in a subshell of its own.
fail() {
    echo "# $*"
    local log
    for log in out err; do
        [ -s $log ] && sed "s/^/# $log: /" $log | tail -n 20
    done
    exit 1
}
skip() {
    echo "$*" >skipped
    exit 77
}

# Runs the command: what it says goes to the files `out` and `err`, its status to $status.
tern() {
    "$TERN" "$@" >out 2>err </dev/null
    status=$?
}
# The same in the background: its process is $tern.
# What this shell was started with is not tern's: under nohup a hangup is ignored, and stays so.
start_tern() {
    env --default-signal=HUP "$TERN" "$@" >out 2>err </dev/null &
    tern=$!
    children+=("$tern")
}
wait_tern() {
    wait "$tern"
    status=$?
}
start() {
    "$@" &
    children+=("$!")
}

expect_status() { [ "$status" = "$1" ] || fail "status $status instead of $1"; }
# expect FILE TEXT: one of its lines contains the text.
expect() { grep -qF -e "$2" "$1" || fail "no '$2' in $1"; }
expect_not() { ! grep -qF -e "$2" "$1" || fail "'$2' in $1"; }
expect_same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }
# expect_only NAME...: the directory holds these and nothing else besides out and err.
expect_only() {
    local there wanted
    there=$(find . -mindepth 1 ! -name out ! -name err | sort)
    wanted=$(for name in "$@"; do echo "./$name"; done | sort)
    [ "$there" = "$wanted" ] || fail "there is: $there"
}

# until_true COMMAND...: tries until it succeeds; gives up after 20 s. For what has no way to tell.
until_true() {
    local tries
    for ((tries = 0; tries < 200; tries++)); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    fail "never true: $*"
}
until_says() { until_true grep -qF -e "$2" "$1"; }

run_cases() {
    local name failed=0 skipped=0
    for name in "$@"; do
        rm -rf "${work:?}/case"
        mkdir "$work/case"
        (
            cd "$work/case" || exit 1
            trap stop_children EXIT
            "$name"
        )
        case $? in
        0) echo "ok $name" ;;
        77)
            echo "skip $name: $(cat "$work/case/skipped")"
            skipped=$((skipped + 1))
            ;;
        *)
            echo "not ok $name"
            failed=$((failed + 1))
            ;;
        esac
    done
    [ $failed = 0 ] || exit 1
    [ $skipped -lt $# ] || exit 77
}
