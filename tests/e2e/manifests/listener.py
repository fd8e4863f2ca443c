"""Holds the connections that its arguments name (HOST:PORT …), and tells on port 7003 what came over each of them:
a JSON document of {name: {"last": the newest number, "problems": [what was not as it should be]}}."""

import json
import signal
import socket
import sys
import threading

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
state = {}


def listen(number, target):
    host, port = target.rsplit(":", 1)
    mine = state[f"{number} {target}"] = {"last": 0, "problems": []}
    try:
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.settimeout(None)
            for line in connection.makefile("r"):
                if int(line) != mine["last"] + 1:
                    mine["problems"].append(f"{line.strip()} came after {mine['last']}")
                mine["last"] = int(line)
        mine["problems"].append("closed by the other end")
    except OSError as error:
        mine["problems"].append(str(error))


for number, target in enumerate(sys.argv[1:]):
    threading.Thread(target=listen, args=(number, target), daemon=True).start()
server = socket.create_server(("", 7003))
while True:
    client, _ = server.accept()
    with client:
        client.sendall(json.dumps(state).encode())
