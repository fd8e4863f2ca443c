"""Streams one numbered line every 50 ms to each connection on port 7000; one thread per connection.

BALLAST_MB fills that many megabytes of memory with bytes that do not compress.
"""

import os
import signal
import socket
import sys
import threading
import time


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


# As process 1 of a container it is only stopped by a signal that it handles.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ballast = os.urandom(int(os.environ.get("BALLAST_MB", "0")) << 20)
server = socket.create_server(("", int(os.environ.get("PORT", "7000"))), backlog=64)
while True:
    client, _ = server.accept()
    threading.Thread(target=stream, args=(client,), daemon=True).start()
