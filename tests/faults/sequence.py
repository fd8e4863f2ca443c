"""Two programs that talk to each other and to the outside, and notice every number that is lost, repeated or late.

ROLE=server streams numbered lines on port 7000 to whoever connects, and answers each number on 127.0.0.1:7100.
ROLE=client asks it one number after the other on one connection, and says on port 7001 how that went.
BALLAST_MB of memory and FILES_MB of /data do not compress, so that a migration takes a while.
"""
import json, os, random, signal, socket, sys, threading, time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ballast = os.urandom(int(os.environ.get("BALLAST_MB", "0")) << 20)
inner = {"life": random.getrandbits(48), "last": 0, "connections": 0, "broken": None}


def stream(client):
    with client:
        number = 0
        try:
            while True:
                number += 1
                client.sendall(b"%d\n" % number)
                time.sleep(0.05)
        except OSError:
            pass


def answer(client):
    with client, client.makefile("rwb") as lines:
        expected = 0
        for line in lines:
            expected += 1
            if int(line) != expected:
                line = b"-%d\n" % expected
            lines.write(line)
            lines.flush()


def ask():
    while True:
        try:
            peer = socket.create_connection(("127.0.0.1", 7100))
            break
        except OSError:
            time.sleep(0.02)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    inner["connections"] += 1
    try:
        with peer, peer.makefile("rwb") as lines:
            while True:
                lines.write(b"%d\n" % (inner["last"] + 1))
                lines.flush()
                line = lines.readline()
                if line != b"%d\n" % (inner["last"] + 1):
                    inner["broken"] = f"{line!r} after {inner['last']}"
                    return
                inner["last"] += 1
                time.sleep(0.02)
    except OSError as error:
        inner["broken"] = f"{error} after {inner['last']}"


def tell(client):
    with client:
        client.sendall(json.dumps(inner).encode())


def serve(server, handle):
    while True:
        client, _ = server.accept()
        threading.Thread(target=handle, args=(client,), daemon=True).start()


if os.environ["ROLE"] == "server":
    with open("/data/files", "wb") as file:
        file.write(os.urandom(int(os.environ.get("FILES_MB", "0")) << 20))
    inside = socket.create_server(("127.0.0.1", 7100))
    threading.Thread(target=serve, args=(inside, answer), daemon=True).start()
    serve(socket.create_server(("", 7000), backlog=64), stream)
else:
    threading.Thread(target=ask, daemon=True).start()
    serve(socket.create_server(("", 7001), backlog=64), tell)
