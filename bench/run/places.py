"""Network namespaces, and programs that run in them."""

import os
import subprocess
import sys
import time

PATIENCE_S = 120


def give_up(why):
    sys.exit(f"bench: {why}")


def stay_in_the_sandbox(script):
    """Devices and routes are made, and those of the host are nobody's to change."""
    if "TERN_SANDBOX" not in os.environ:
        give_up(f"it makes devices and routes: start it as scripts/sandbox scripts/{script} BUILD, "
                f"or make {script}")


def await_true(condition, what, alive=None):
    """Until `condition` holds; what has no way to tell is asked again and again."""
    until = time.monotonic() + 10
    while not condition():
        if alive and alive.poll() is not None:
            raise RuntimeError(f"{what}: it has ended")
        if time.monotonic() > until:
            raise RuntimeError(f"{what}: not within ten seconds")
        time.sleep(0.01)


class Place:
    """This namespace, or (with `other`) a new one, held by a process without any capability, so that
    programs with few of them may enter it too."""

    def __init__(self, other=False):
        self.holder = None
        self.enter = []
        if not other:
            return
        self.holder = subprocess.Popen(["unshare", "--net", "setpriv", "--bounding-set=-all",
                                        "--inh-caps=-all", "sleep", "infinity"])
        mine = os.readlink("/proc/self/ns/net")
        await_true(lambda: os.readlink(self.path) != mine, "a second namespace", self.holder)
        self.enter = ["nsenter", "-t", str(self.holder.pid), "-n"]
        self.run("ip", "link", "set", "lo", "up")
        self.no_time_wait()

    @property
    def path(self):
        return f"/proc/{self.holder.pid}/ns/net"

    def no_time_wait(self):
        """The kernel's end closes first, and would keep its ports in TIME-WAIT: a program that is
        started anew begins with other numbers, and where it chose one of those ports its SYN would
        have to be sent again."""
        self.run("sh", "-c", "echo 0 2>/dev/null >/proc/sys/net/ipv4/tcp_max_tw_buckets || true")

    def run(self, *command):
        subprocess.run([*self.enter, *command], check=True)

    def start(self, *command, env=None):
        return subprocess.Popen([*self.enter, *command], text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env={**os.environ, **(env or {})})

    def listens(self, port):
        said = subprocess.run([*self.enter, "ss", "-Hltn", f"sport = :{port}"], text=True,
                              capture_output=True, check=False)
        return said.stdout != ""

    def device_is_up(self, name):
        said = subprocess.run([*self.enter, "ip", "-br", "link", "show", name], text=True,
                              capture_output=True, check=False)
        return "LOWER_UP" in said.stdout

    def close(self):
        if self.holder:
            self.holder.kill()
            self.holder.wait()


def finish(program):
    """What it has said, once it has ended well."""
    try:
        out, err = program.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired as late:
        program.kill()
        program.communicate()
        raise RuntimeError(f"not done within {PATIENCE_S} s") from late
    if program.returncode != 0:
        raise RuntimeError(err.strip() or f"ended with {program.returncode}")
    return out


def cpu_seconds(pid):
    """User and system time that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
