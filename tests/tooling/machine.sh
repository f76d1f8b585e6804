# Sourced: $machine is a folder of made-up commands, gone at the end; $failed becomes 1 where a check does.
machine=$(mktemp -d)
trap 'rm -rf "$machine"' EXIT
failed=0

# A command of the machine that does what the text says.
command_is() {
    printf '#!/bin/bash\n%s\n' "$2" >"$machine/$1"
    chmod +x "$machine/$1"
}
