"""Where a program's time goes, by samples of perf: told by what is on the stack when each is taken."""

import subprocess

FREQUENCY = 4999  # samples a second

# Of a sample in the kernel, the first that has one of these functions anywhere on its stack.
BY_STACK = (
    ("waking the other end", ("try_to_wake_up", "sock_def_readable", "sk_stream_write_space")),
    ("sleeping, and being switched to", ("schedule", "do_nanosleep", "futex_wait_queue")),
    ("reading signals' masks", ("__do_sys_rt_sigprocmask", "__x64_sys_rt_sigprocmask")),
    ("the kernel's TCP/IP, behind our write", ("netif_receive_skb", "__netif_receive_skb", "ip_rcv")),
    ("the device: writing", ("tun_chr_write_iter",)),
    ("the device: reading", ("tun_chr_read_iter",)),
    ("asking whether there is something (poll)", ("do_sys_poll", "do_poll")),
)
# And before that, one whose innermost function begins with one of these.
COPIES = ("_copy_from_iter", "_copy_to_iter", "copy_page_from_iter", "copy_page_to_iter", "copy_user",
          "rep_movs", "__check_object_size")
COPY, REST = "the kernel's copy", "system calls, and the rest of the kernel"
OURS, LIBRARY, CLOCK = "its own code", "the C library (copies, most of all)", "reading the clock"


def recording(samples):
    """What to put before a program's words, to have its samples in the file `samples`."""
    return ["perf", "record", "-q", "-g", "-F", str(FREQUENCY), "-e", "cpu-clock", "-o", samples, "--"]


def class_of(stack):
    """Of a sample's frames, innermost first: pairs of a function and where it is from."""
    function, origin = stack[0]
    if not origin.startswith("["):
        return LIBRARY if "/libc" in origin else OURS
    if origin == "[vdso]":
        return CLOCK
    if function.startswith(COPIES):
        return COPY
    functions = {name for name, _ in stack}
    for title, any_of in BY_STACK:
        if functions.intersection(any_of):
            return title
    return REST


def stacks(said):
    """perf script's samples: a block of lines each, `address function (origin)`."""
    for block in said.split("\n\n"):
        stack = []
        for line in block.strip("\n").split("\n"):
            words = line.split()
            if len(words) >= 3 and words[-1].startswith("("):
                stack.append((words[1].partition("+")[0], words[-1].strip("()")))
        if stack:
            yield stack


def shares(samples):
    """The part of all samples that each class has."""
    said = subprocess.run(["perf", "script", "-i", samples, "-F", "ip,sym,dso"], text=True, check=True,
                          capture_output=True).stdout
    counted = {}
    for stack in stacks(said):
        title = class_of(stack)
        counted[title] = counted.get(title, 0) + 1
    total = sum(counted.values())
    if not total:
        raise RuntimeError("perf has taken no samples: it needs root, or kernel.perf_event_paranoid of -1")
    return {title: count / total for title, count in counted.items()}
