"""Measures a path: `serve PORT` takes connections; `measure HOST PORT ROUNDS MEGABYTES` prints a JSON document of
{"roundTripUs": the median of so many one-byte questions, "megabytesPerSecond": of so much that is sent}."""

import json
import signal
import socket
import sys
import threading
import time

CHUNK = 1 << 16


def answer(client):
    with client:
        if client.recv(1) == b"e":
            while client.recv(1):
                client.sendall(b"x")
        else:
            left = int(client.recv(12))
            while left > 0:
                left -= len(client.recv(CHUNK))
            client.sendall(b"x")


def open_path(host, port):
    connection = socket.create_connection((host, port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def measure(host, port, rounds, megabytes):
    times = []
    with open_path(host, port) as echo:
        echo.sendall(b"e")
        for _ in range(rounds):
            start = time.perf_counter()
            echo.sendall(b"x")
            echo.recv(1)
            times.append(time.perf_counter() - start)
    size = megabytes << 20
    with open_path(host, port) as sink:
        start = time.perf_counter()
        sink.sendall(b"s%012d" % size)
        block = bytes(CHUNK)
        for _ in range(size // CHUNK):
            sink.sendall(block)
        sink.recv(1)
        seconds = time.perf_counter() - start
    median = sorted(times)[len(times) // 2]
    print(json.dumps({"roundTripUs": median * 1e6, "megabytesPerSecond": megabytes / seconds}))


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if sys.argv[1] == "serve":
    server = socket.create_server(("", int(sys.argv[2])), backlog=64)
    while True:
        client, _ = server.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=answer, args=(client,), daemon=True).start()
measure(sys.argv[2], *map(int, sys.argv[3:]))
