#!/usr/bin/env python3
"""scripts/check-floors rejects each kind of wrong include, names its line, and accepts right ones."""

from tooling import run_cases, run_on_tree

# A file, the include on its second line, and what the answer must say of it.
REJECTED = [
    ("src/base/ring.c", '#include "tcp/tcb.h"', "base includes tcp, which is above it"),
    ("src/ip/ipv4.c", '#include "udp/udp.h"', "ip includes udp, which is above it"),
    ("src/udp/udp.c", '#include "tcp/tcb.h"', "udp includes its sibling tcp"),
    ("src/sock/wait.c", '#include "host/clock.h"', "sock includes host, which is above it"),
    ("src/tcp/input.h", '#  include "cli/main.h"', "tcp includes cli, which is above it"),
    ("src/tcp/ack.c", '#include "tcb.h"', "not written from src/"),
    ("src/tcp/ack.c", '#include "../base/seq.h"', "not written from src/"),
    ("src/tcp/ack.c", '#include "extra/x.h"', "is in no floor"),
    ("src/tcp/ack.c", "#include HEADER", "cannot be checked"),
    ("src/wire/tcp.c", "#include <netinet/tcp.h>", "formats are parsed and built in src/wire"),
    ("src/core/stack.c", "#include <linux/if_tun.h>", "formats are parsed"),
    ("src/ip/ipv4.c", "#include <arpa/inet.h>", "formats are parsed"),
    ("src/raw/raw.c", "#include <net/if.h>", "formats are parsed"),
    ("src/base/random.c", "#include <unistd.h>", "asks nothing of the system"),
    ("src/base/time.c", "#include <time.h>", "asks nothing of the system"),
    ("src/core/stack.c", "#include <pthread.h>", "asks nothing of the system"),
    ("src/udp/udp.c", "#include <sys/socket.h>", "asks nothing of the system"),
    ("src/tcp/ack.c", "#include <poll.h>", "asks nothing of the system"),
    ("src/extra/x.c", "#include <stdint.h>", "src/ holds only floors"),
    ("include/tern/tern.h", '#include "base/ring.h"', "a public header includes only"),
]

ACCEPTED = {
    "src/base/ring.c": '#include "base/ring.h"\n#include <stdint.h>\n#include <string.h>\n',
    "src/tcp/ack.c": '#include "tcp/tcb.h"\n#include "wire/tcp.h"\n#include <tern/tern.h>\n',
    "src/sock/wait.c": '#include "tcp/tcb.h"\n#include <pthread.h>\n#include <poll.h>\n',
    "src/link/tun.c": '#include "core/stack.h"\n#include <linux/if_tun.h>\n#include <unistd.h>\n',
    "src/cli/main.c": '#include "host/clock.h"\n#include "link/tun.h"\n#include <time.h>\n',
    "include/tern/tern.h": "#include <stdint.h>\n#include <sys/socket.h>\n",
}


def rejects(path, include, answer):
    def case():
        status, output = run_on_tree("check-floors", {path: f"/* */\n{include}\n"})
        line = 1 if "holds only floors" in answer else 2
        assert status == 1, f"status {status}: {output}"
        assert f"{path}:{line}: " in output, output
        assert answer in output, output
        assert "1 wrong" in output, output

    return case


def accepts():
    status, output = run_on_tree("check-floors", ACCEPTED)
    assert status == 0, output
    assert "6 files, 0 wrong" in output, output


def names_every_line():
    files = {path: f"{include}\n{include}\n" for path, include, answer in REJECTED[:3]}
    status, output = run_on_tree("check-floors", files)
    assert status == 1 and "3 files, 6 wrong" in output, output


run_cases({f"rejects {include} in {path}": rejects(path, include, answer)
           for path, include, answer in REJECTED}
          | {"accepts_includes_that_point_down": accepts,
             "names_every_line": names_every_line})
