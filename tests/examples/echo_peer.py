"""The kernel's side of an echo server: many connections at once, each with bytes of its own, which
come back whole; and one that ends in a reset, which harms none."""

import socket
import struct
import threading

SERVER = ("10.0.0.3", 7)
CONNECTIONS, LENGTH = 20, 200_000
wrong = []


def converse(number):
    out = bytes((i * 31 + number) % 251 for i in range(LENGTH))
    with socket.create_connection(SERVER, timeout=20) as s:
        writer = threading.Thread(target=lambda: (s.sendall(out), s.shutdown(socket.SHUT_WR)))
        writer.start()
        back = bytearray()
        while piece := s.recv(65536):
            back += piece
        writer.join()
    if back != out:
        wrong.append(f"connection {number}: {len(back)} of {LENGTH} bytes came back as they were")


def reset():
    s = socket.create_connection(SERVER, timeout=20)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.sendall(b"x" * 1000)
    s.close()


reset()
threads = [threading.Thread(target=converse, args=(i,)) for i in range(CONNECTIONS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
raise SystemExit("\n".join(wrong) or 0)
