"""The web half of the demo shop: counts in redis over one connection, and streams numbered lines.

GET /        one JSON object: the count, and which redis connection it came over
GET /stream  one line every 50 ms for as long as the client stays: "NUMBER COUNT REDIS_CLIENT_ID", where NUMBER
             counts this client's lines from 1, and COUNT is redis's answer to an INCR for this very line

One process, one thread, one event loop. Intervals are waited for relatively, never up to a point in time: after a
move the clock of another host counts from another start.
"""

import argparse
import json
import os
import selectors
import signal
import socket
import sys
import time

INTERVAL = 0.05
MAX_REQUEST = 16 * 1024
MAX_BACKLOG = 1024 * 1024  # bytes that a client may leave unread before it is let go


class Redis:
    """One connection to redis, kept open; speaks just enough of its protocol (RESP)."""

    def __init__(self, host, port):
        self.address = (host, port)
        self.connections = 0
        self.connect()

    def connect(self):
        while True:
            try:
                self.socket = socket.create_connection(self.address)
                break
            except OSError:
                time.sleep(0.1)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.replies = self.socket.makefile("rb")
        self.connections += 1
        self.client_id = self.exchange([("CLIENT", "ID")])[0]

    def call(self, commands):
        """Answers of several commands sent at once. A lost connection is replaced, and shows in `connections`."""
        try:
            return self.exchange(commands)
        except OSError as error:
            print(f"redis: {error}; connecting again", file=sys.stderr, flush=True)
            self.connect()
            return self.exchange(commands)

    def exchange(self, commands):
        request = b""
        for words in commands:
            request += b"*%d\r\n" % len(words)
            for word in words:
                request += b"$%d\r\n%s\r\n" % (len(word), word.encode())
        self.socket.sendall(request)
        return [self.read_reply() for _ in commands]

    def read_reply(self):
        line = self.replies.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection ended")
        kind, value = line[:1], line[1:-2]
        if kind == b":":
            return int(value)
        if kind == b"+":
            return value.decode()
        if kind == b"$":
            return None if value == b"-1" else self.replies.read(int(value) + 2)[:-2].decode()
        raise RuntimeError(f"redis answered {line!r}")


class Client:
    """One HTTP connection: what it sent so far, what it has not taken yet, and its number once it streams."""

    def __init__(self, connection):
        self.connection = connection
        self.received = b""
        self.unsent = b""
        self.number = None


class Shop:
    def __init__(self, port, redis):
        self.redis = redis
        self.started = time.monotonic()
        self.clients = set()
        self.selector = selectors.DefaultSelector()
        self.server = socket.create_server(("", port), backlog=128)
        self.server.setblocking(False)
        self.selector.register(self.server, selectors.EVENT_READ)

    def serve(self):
        due = time.monotonic() + INTERVAL
        while True:
            # never longer than one interval, whatever the clock says
            wait = min(max(due - time.monotonic(), 0), INTERVAL)
            for key, events in self.selector.select(wait):
                if key.fileobj is self.server:
                    self.accept()
                elif events & selectors.EVENT_WRITE:
                    self.flush(key.data)
                else:
                    self.receive(key.data)
            now = time.monotonic()
            if now >= due or due - now > INTERVAL:
                self.tick()
                due = max(due + INTERVAL, now) if abs(now - due) < INTERVAL else now + INTERVAL

    def tick(self):
        streaming = [client for client in self.clients if client.number is not None]
        if not streaming:
            return
        counts = self.redis.call([("INCR", "shop:count")] * len(streaming))
        for client, count in zip(streaming, counts):
            client.number += 1
            self.send(client, f"{client.number} {count} {self.redis.client_id}\n".encode())

    def accept(self):
        try:
            connection, _ = self.server.accept()
        except OSError:
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(connection)
        self.clients.add(client)
        self.selector.register(connection, selectors.EVENT_READ, client)

    def receive(self, client):
        try:
            data = client.connection.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or len(client.received) > MAX_REQUEST:
            self.drop(client)
            return
        client.received += data
        while client in self.clients and client.number is None and b"\r\n\r\n" in client.received:
            head, client.received = client.received.split(b"\r\n\r\n", 1)
            self.answer(client, head.split(b"\r\n", 1)[0].decode("latin-1").split(" "))

    def answer(self, client, request):
        method, path = (request + ["", ""])[:2]
        if method != "GET":
            self.respond(client, "405 Method Not Allowed", {"error": "only GET"})
        elif path == "/":
            count = self.redis.call([("INCR", "shop:count")])[0]
            state = {
                "count": count,
                "redis": {
                    "clientId": self.redis.client_id,
                    "localPort": self.redis.socket.getsockname()[1],
                    "connections": self.redis.connections,
                },
                "streams": sum(other.number is not None for other in self.clients),
                "pid": os.getpid(),
                "uptimeSeconds": round(time.monotonic() - self.started, 3),
            }
            self.respond(client, "200 OK", state)
        elif path == "/stream":
            client.number = 0
            head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
            self.send(client, head.encode())
        else:
            self.respond(client, "404 Not Found", {"error": f"no {path} here"})

    def respond(self, client, status, body):
        text = json.dumps(body) + "\n"
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(text.encode())}\r\n\r\n"
        self.send(client, (head + text).encode())

    def send(self, client, data):
        client.unsent += data
        self.flush(client)

    def flush(self, client):
        try:
            client.unsent = client.unsent[client.connection.send(client.unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self.drop(client)
            return
        if len(client.unsent) > MAX_BACKLOG:
            self.drop(client)
            return
        writing = selectors.EVENT_WRITE if client.unsent else 0
        self.selector.modify(client.connection, selectors.EVENT_READ | writing, client)

    def drop(self, client):
        if client in self.clients:
            self.clients.discard(client)
            self.selector.unregister(client.connection)
            client.connection.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--redis", default="127.0.0.1:6379", metavar="HOST:PORT")
    options = parser.parse_args()
    # As process 1 of a container it is only stopped by a signal that it handles.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    host, _, port = options.redis.rpartition(":")
    Shop(options.port, Redis(host, int(port))).serve()


main()
