"""Who is measured. A peer has one end of each conversation; the other is the kernel's, in a program
that does the same work (bench_linux). What a class says in `note` is shown beside its figures."""

import json
import os
import shutil
import socket
import subprocess
import tempfile

from places import Place, await_true, cpu_seconds

PORT = 7000


class Peer:
    name = title = note = package = ""
    in_picture = True
    works = frozenset(("send", "receive", "send8", "receive8", "ask", "ask_spinning", "ask_same_cpu",
                       "call", "call_spinning", "call32"))
    share = 1  # of the bytes that are moved: who is slow moves fewer
    program = "bench_linux"
    there = here = ""  # the other end's address, and its own as the other end sees it
    port = PORT        # that the other end calls to reach it
    env = {}

    def __init__(self, build):
        self.build = build
        self.own = self.other = Place()

    def missing(self):
        """Why it cannot be measured here, or nothing."""
        return ""

    def prepare(self):
        """Makes devices and addresses, and starts what has to run all the time."""

    def await_device(self):
        """Once its program is started: until packets can reach it."""

    def command(self, *words):
        return [os.path.join(self.build, "bench", self.program), *words]

    def cpu_seconds(self):
        """Of a process other than the program that moves the bytes; None: that one is measured."""
        return None

    def close(self):
        pass


class OverTun(Peer):
    """A program with a stack of its own, over a TUN device that is made for it."""

    device = ""
    mtu = 1500

    def prepare(self):
        self.own.run("ip", "tuntap", "add", self.device, "mode", "tun")
        self.own.run("ip", "addr", "add", f"{self.there}/24", "dev", self.device)
        self.own.run("ip", "link", "set", self.device, "mtu", str(self.mtu), "up")

    def await_device(self):
        await_true(lambda: self.own.device_is_up(self.device), f"{self.title}: its device")


class Built(Peer):
    """A program of bench/ that is built where its library is installed."""

    def missing(self):
        if os.path.exists(self.command()[0]):
            return ""
        return f"not built: {self.package} is not installed"


class Tern(Peer):
    name, title, program = "tern", "tern", "bench_tern"
    works = Peer.works | {"idle"}
    there, here = "10.0.0.2", "10.0.0.3"


class TernPlain(Tern):
    name, title = "tern_plain", "tern, no offloads"
    in_picture = False
    note = ("packets of at most the MTU both ways, each with its checksums, as lwIP has them (no_offload); what "
            "arrives in the kernel it joins before its TCP (GRO)")
    works = frozenset(("send", "receive"))
    share = 0.3
    env = {"TERN_NO_OFFLOAD": "1"}


class Tern64(Tern):
    name, title = "tern_64k", "tern, 64 KB packets"
    in_picture = False
    note = "super-segments as any host takes them, without those of up to 256 KB (ip.big_packets=0)"
    works = frozenset(("send",))
    env = {"TERN_SETTINGS": "ip.big_packets=0"}


class TernLarge(Tern):
    name, title = "tern_large", "tern, MTU 65,520"
    in_picture = False
    note = "as it comes, over a device of that MTU"
    works = frozenset(("send", "receive"))
    env = {"TERN_MTU": "65520"}


class Floor(OverTun):
    name, title, program = "floor", "The floor", "bench_floor"
    note = ("the least that the kernel takes for TCP over TUN with offloads (bench/net_floor.c): no timers, no "
            "checks, no memory of what was sent, no copy of what several connections bring")
    there, here = "10.6.0.2", "10.6.0.3"
    device = "floor0"
    env = {"FLOOR_DEVICE": device, "FLOOR_ADDRESS": here, "FLOOR_KERNEL": there}


class Floor64(Floor):
    name, title = "floor_64k", "The floor, 64 KB"
    in_picture = False
    note = "the same with packets of at most 64 KB"
    works = frozenset(("send",))
    there, here = "10.7.0.2", "10.7.0.3"
    device = "floor1"
    env = {"FLOOR_DEVICE": device, "FLOOR_ADDRESS": here, "FLOOR_KERNEL": there, "FLOOR_TEXT": "64240"}


class FloorKeeps(Floor):
    name, title = "floor_keeps", "The floor, kept"
    in_picture = False
    note = ("the same, but it copies what it sends to where it could be sent from again, and what came before it was "
            "asked for to who asks")
    works = frozenset(("send", "send8", "receive8"))
    there, here = "10.14.0.2", "10.14.0.3"
    device = "floor4"
    env = {"FLOOR_DEVICE": device, "FLOOR_ADDRESS": here, "FLOOR_KERNEL": there, "FLOOR_KEEPS": "1"}


class Floor64Keeps(Floor64):
    name, title = "floor_64k_keeps", "The floor, 64 KB, kept"
    note = ("the same, but it copies what it sends to where it could be sent from again, and so do the kernel and "
            "lwIP; tern copies what is not acknowledged by the time that a write of 128 KB or more returns")
    there, here = "10.13.0.2", "10.13.0.3"
    device = "floor3"
    env = {**Floor64.env, "FLOOR_DEVICE": device, "FLOOR_ADDRESS": here, "FLOOR_KERNEL": there, "FLOOR_KEEPS": "1"}


class FloorMtu(Floor64):
    name, title = "floor_mtu", "The floor, 1,500 bytes"
    note = ("the same with packets of the MTU, whose checksums are left to the kernel all the same, and which it takes "
            "one by one")
    share = 0.3
    there, here = "10.11.0.2", "10.11.0.3"
    device = "floor2"
    env = {"FLOOR_DEVICE": device, "FLOOR_ADDRESS": here, "FLOOR_KERNEL": there, "FLOOR_TEXT": "1460"}


class Veth(Peer):
    name, title = "veth", "Linux, veth"
    there, here = "10.1.0.2", "10.1.0.1"

    def prepare(self):
        self.other = Place(other=True)
        self.own.run("ip", "link", "add", "veth_here", "type", "veth", "peer", "name", "veth_there",
                     "netns", str(self.other.holder.pid))
        for place, device, address in ((self.own, "veth_here", self.here),
                                       (self.other, "veth_there", self.there)):
            place.run("ip", "addr", "add", f"{address}/24", "dev", device)
            place.run("ip", "link", "set", device, "up")

    def close(self):
        self.other.close()


class Loopback(Peer):
    name, title = "loopback", "Linux, loopback"
    note = "MTU 65,536"
    there = here = "127.0.0.1"


class Lwip(OverTun, Built):
    name, title, program = "lwip", "lwIP", "bench_lwip"
    package = "liblwip-dev"
    note = ("Debian's library over TUN, its raw API in one thread; it is built with segments of 1,460 bytes "
            "(a larger MTU changes nothing), windows of 64 KB and no SACK")
    works = Peer.works | {"idle"}
    share = 0.3
    there, here = "10.2.0.2", "10.2.0.3"
    env = {"LWIP_DEVICE": "lwip0", "LWIP_ADDRESS": here}
    device = "lwip0"


class LwipLarge(OverTun, Built):
    name, title, program = "lwip_large", "lwIP, MTU 65,520", "bench_lwip_large"
    in_picture = False
    package = "liblwip-dev"
    note = ("Debian's source, built with segments of 65,480 bytes, SACK, a window of 1 MB and 512 KB to send, more of "
            "either being no better (bench/peers/lwip), over TUN that computes its checksums; it has no offload "
            "beyond that, copies what it sends, and acknowledges every second segment")
    works = frozenset(("send", "receive"))
    there, here = "10.12.0.2", "10.12.0.3"
    env = {"LWIP_DEVICE": "lwip1", "LWIP_ADDRESS": here}
    device = "lwip1"
    mtu = 65520

    def missing(self):
        """scripts/lwip-source, which brings the source before this is built, knows why it could not."""
        try:
            with open(os.path.join(self.build, "bench", "lwip.why"), encoding="utf-8") as file:
                return f"not built: {file.read().strip()}"
        except FileNotFoundError:
            return super().missing()


class Smoltcp(OverTun):
    name, title, program = "smoltcp", "smoltcp", "bench_smoltcp"
    note = ("0.13 with its own TUN device, one thread that polls, buffers of 2 MB to send and 640 KB to receive "
            "(more than the device's queue holds is lost there); it has no offloads, and works with one socket here")
    works = frozenset(("send", "receive", "ask", "ask_spinning", "ask_same_cpu"))
    share = 0.3
    there, here = "10.9.0.2", "10.9.0.3"
    env = {"SMOLTCP_DEVICE": "smoltcp0", "SMOLTCP_ADDRESS": here}
    device = "smoltcp0"

    def missing(self):
        if os.environ.get("SMOLTCP"):
            return ""
        return ("Debian 12 has no package of it, nor of what it is built from (its managed, its heapless); who has "
                "built bench/peers/smoltcp by hand says where with SMOLTCP")

    def command(self, *words):
        return [os.environ["SMOLTCP"], *words]


class GvisorTun(Lwip):
    name, title, program = "gvisor", "gVisor, TUN", "bench_gvisor"
    package = "golang-gvisor-gvisor-dev"
    note = ("Debian's package, RACK off (it walks the whole window with each acknowledgment), buffers of 4 to "
            "16 MB; its TUN endpoint knows no offloads; nothing in it spins")
    works = Peer.works - {"ask_spinning", "call_spinning"} | {"idle"}
    share = 0.1
    there, here = "10.3.0.2", "10.3.0.3"
    env = {"GVISOR_TUN": "gvisor0", "GVISOR_ADDRESS": here}
    device = "gvisor0"


class GvisorOffloads(GvisorTun):
    name, title = "gvisor_tso", "gVisor, TUN with TSO"
    note = ("the same package over TUN with offloads: segments of up to 64 KB both ways, and no checksums, by "
            "a link endpoint of ours (bench/peers/gvisor/offload.go)")
    works = GvisorTun.works - {"idle"}
    share = 0.3
    there, here = "10.8.0.2", "10.8.0.3"
    env = {"GVISOR_TUN_OFFLOADS": "gvisor3", "GVISOR_ADDRESS": here}
    device = "gvisor3"


class GvisorVeth(GvisorTun):
    name, title = "gvisor_gso", "gVisor, packet socket"
    note = "the same on a veth device, with its offloads, as runsc runs it"
    works = GvisorTun.works - {"idle"}
    there, here = "10.4.0.2", "10.4.0.3"
    env = {"GVISOR_VETH": "gvisor2", "GVISOR_ADDRESS": here}
    device = "gvisor1"

    def prepare(self):
        self.own.run("ip", "link", "add", self.device, "type", "veth", "peer", "name", "gvisor2")
        self.own.run("ip", "addr", "add", f"{self.there}/24", "dev", self.device)
        self.own.run("ip", "link", "set", self.device, "up")
        self.own.run("ip", "link", "set", "gvisor2", "up")


class Carrier(Peer):
    """A process that carries a namespace's connections; programs of the kernel's TCP are at both
    ends, and what is measured of CPU is its."""
    works = frozenset(("send", "receive", "send8", "receive8", "ask", "call", "call32"))
    share = 0.2
    port = PORT + 1  # the carrier's own, here

    def missing(self):
        return "" if shutil.which(self.package) else f"{self.package} is not installed"

    def prepare(self):
        self.folder = tempfile.mkdtemp()
        self.own = Place(other=True)
        self.carrier = subprocess.Popen(self.carry(), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        await_true(lambda: self.own.device_is_up("tap0"), f"{self.title}: its device", self.carrier)

    def carry(self):
        raise NotImplementedError

    def cpu_seconds(self):
        return cpu_seconds(self.carrier.pid)

    def close(self):
        self.carrier.kill()
        self.carrier.wait()
        self.own.close()
        shutil.rmtree(self.folder)


class Slirp(Carrier):
    name, title, package = "slirp", "slirp4netns", "slirp4netns"
    note = "MTU 65,520"
    there, here = "10.0.2.2", "127.0.0.1"

    def carry(self):
        return ["slirp4netns", "--configure", "--mtu=65520", "--disable-dns",
                f"--api-socket={self.folder}/api", str(self.own.holder.pid), "tap0"]

    def prepare(self):
        super().prepare()
        forward = {"execute": "add_hostfwd",
                   "arguments": {"proto": "tcp", "host_addr": "127.0.0.1", "host_port": self.port,
                                 "guest_addr": "10.0.2.100", "guest_port": PORT}}
        await_true(lambda: os.path.exists(f"{self.folder}/api"), "slirp4netns' socket", self.carrier)
        with socket.socket(socket.AF_UNIX) as api:
            api.connect(f"{self.folder}/api")
            api.sendall(json.dumps(forward).encode())
            api.shutdown(socket.SHUT_WR)
            answer = api.recv(4096)
        if b"error" in answer:
            raise RuntimeError(f"slirp4netns does not forward: {answer.decode()}")


class Pasta(Carrier):
    name, title, package = "pasta", "pasta (passt)", "pasta"
    note = "MTU 65,520; of the bytes that it sends there are few, for at times it takes long over them"
    there, here = "10.5.0.9", "10.5.0.1"

    def prepare(self):
        mine = Place()
        mine.run("ip", "link", "add", "pasta0", "type", "veth", "peer", "name", "pasta1")
        mine.run("ip", "addr", "add", f"{self.here}/24", "dev", "pasta0")
        mine.run("ip", "link", "set", "pasta0", "up")
        mine.run("ip", "link", "set", "pasta1", "up")
        mine.run("ip", "route", "add", "default", "via", self.there, "dev", "pasta0")
        super().prepare()

    def carry(self):
        return ["pasta", "--foreground", "--quiet", "--runas", "0", "--netns-only", "--config-net",
                "-i", "pasta0", "-a", "10.5.0.77", "-n", "24", "-g", self.there,
                "-t", f"{self.here}/{self.port}:{PORT}", "-u", "none", "-T", "none", "-U", "none",
                "-I", "tap0", "--netns", self.own.path]


ALL = (Tern, Tern64, TernPlain, TernLarge, Floor, FloorKeeps, Floor64, Floor64Keeps, FloorMtu, Veth, Loopback, Lwip,
       LwipLarge, Smoltcp, GvisorTun, GvisorOffloads, GvisorVeth, Slirp, Pasta)
