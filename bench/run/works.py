"""What is measured: the words of each work at both ends, and what of its figures is shown."""

import os

from places import await_true, finish
from peers import PORT

GB = 1_000_000_000


class Work:
    def __init__(self, name, title, field, unit, ours, theirs, calls, more_is_better=True, pin=False):
        self.name, self.title, self.field, self.unit = name, title, field, unit
        self.ours, self.theirs = ours, theirs  # the words of the peer and of the kernel's other end
        self.calls = calls                     # whether the peer's end calls; else it is called
        self.more_is_better, self.pin = more_is_better, pin


def bulk(name, title, flows, sends):
    def source(host, share):
        return ["source", host, str(flows), str(int(GB * share) // flows)]

    def sink(_host, _share):
        return ["sink", str(flows)]

    return Work(name, title, "gbit", "Gbit/s", source if sends else sink, sink if sends else source,
                sends)


def talk(name, title, count, spins=0, pin=False):
    return Work(name, title, "p50", "us", lambda host, _: ["ask", host, str(count), str(spins)],
                lambda *_: ["answer", str(count), str(spins)], True, False, pin)


def calls(name, title, count, together, spins=0):
    return Work(name, title, "calls", "/s",
                lambda host, _: ["call", host, str(count), str(together), str(spins)],
                lambda *_: ["serve", str(count)], True)


ALL = (
    bulk("send", "Sends, one connection (cpu: seconds a gigabyte)", 1, True),
    bulk("receive", "Receives, one connection", 1, False),
    bulk("send8", "Sends, eight connections (fair: the fastest's time by the slowest's)", 8, True),
    bulk("receive8", "Receives, eight connections", 8, False),
    talk("ask", "64 bytes there and back, both sleep (cpu: us each)", 3000),
    talk("ask_spinning", "64 bytes there and back, both spin", 3000, spins=1),
    talk("ask_same_cpu", "64 bytes there and back, on one CPU", 3000, pin=True),
    calls("call", "Connections of 64 bytes there and back, one at a time (cpu: us each)", 2000, 1),
    calls("call_spinning", "Connections of 64 bytes there and back, one at a time, the caller spins", 2000, 1,
          spins=1),
    calls("call32", "Connections of 64 bytes there and back, 32 at a time", 6400, 32),
    Work("idle", "Memory of an idle connection", "bytes", "bytes",
         lambda host, _: ["idle", host, "900", "1"], lambda *_: ["serve", "900"], True, False),
)


def measure(work, peer, share, observer=()):
    """One run: the figures of the peer's side, whose words come behind the observer's."""
    pin = ["taskset", "-c", "0"] if work.pin else []
    ours = [*pin, *observer, *peer.command(*work.ours(peer.there, share))]
    theirs = [*pin, os.path.join(peer.build, "bench", "bench_linux"), *work.theirs(peer.here, share)]
    env = {"BENCH_PORT": str(peer.port)}
    before = peer.cpu_seconds()
    started = []
    try:
        if work.calls:
            started.append(peer.other.start(*theirs))
            await_true(lambda: peer.other.listens(PORT), "the kernel's end", started[0])
            started.append(peer.own.start(*ours, env=peer.env))
            own, other = started[1], started[0]
        else:
            started.append(peer.own.start(*ours, env=peer.env))
            peer.await_device()
            if peer.program == "bench_linux":
                await_true(lambda: peer.own.listens(PORT), peer.title, started[0])
            started.append(peer.other.start(*theirs, env=env))
            own, other = started
        said = finish(own)
        # Connections that are idle have nobody who would end the other side.
        if work.name != "idle":
            finish(other)
    finally:
        for program in started:
            if program.poll() is None:
                program.kill()
                program.communicate()
    figures = {name: float(value) for name, value in (pair.split("=") for pair in said.split())}
    if before is not None:
        figures["cpu"] = spent(work, peer.cpu_seconds() - before, share)
    return figures


def spent(work, seconds, share):
    """A carrier's CPU time in the unit of the work: seconds a gigabyte, or microseconds each."""
    if work.field == "gbit":
        return seconds / share
    return seconds * 1e6 / int(work.theirs("", share)[1])
