"""The kernel's side of the HTTP server: requests of every sort, and what must come of them."""

import http.client
import socket
import sys

HOST = "10.0.0.3"
folder = sys.argv[1]


def expect(right, what):
    if not right:
        raise SystemExit(f"wrong: {what}")


def ask(connection, method, path):
    connection.request(method, path)
    response = connection.getresponse()
    return response.status, response.read()


def raw(request):
    """All that comes back until the server ends."""
    with socket.create_connection((HOST, 80), timeout=20) as s:
        s.sendall(request)
        answer = b""
        while piece := s.recv(65536):
            answer += piece
    return answer


with open(f"{folder}/big", "rb") as file:
    big = file.read()

# Several requests on one connection.
connection = http.client.HTTPConnection(HOST, timeout=20)
expect(ask(connection, "GET", "/") == (200, b"hello\n"), "the index")
expect(ask(connection, "GET", "/big") == (200, big), "a large file")
expect(ask(connection, "GET", "/empty?x=1") == (200, b""), "an empty file, with a query")
expect(ask(connection, "HEAD", "/big") == (200, b""), "the head of a file")
expect(ask(connection, "GET", "/nothing")[0] == 404, "what is not there")
expect(ask(connection, "GET", "/../secret")[0] == 404, "what is outside")
expect(ask(connection, "GET", "/folder")[0] == 404, "a folder")
expect(ask(connection, "GET", "/link")[0] == 404, "a link to the outside")
expect(ask(connection, "POST", "/")[0] == 405, "another method")
expect(ask(connection, "GET", "/")[0] == 200, "a request after all that")

# Requests that do not wait for answers; the last one ends it.
get = b"GET / HTTP/1.1\r\nHost: x\r\n"
answer = raw(get + b"\r\n" + get + b"\r\n" + get + b"Connection: close\r\n\r\n")
expect(answer.count(b"200 OK") == 3 and answer.endswith(b"hello\n"), "requests at once")
expect(raw(b"GET / HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nhello\n"), "HTTP/1.0")

# What is no request.
expect(b" 400 " in raw(b"nonsense\r\n\r\n"), "nonsense")
expect(b" 400 " in raw(b"GET /" + b"x" * 1000 + b" HTTP/1.1\r\n\r\n"), "a long name")
