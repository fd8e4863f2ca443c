"""Holds 32 MB that do not compress; "change" on port 7001 rewrites 1 MB of them; each answer is how often, and a checksum."""

import os
import signal
import socket
import sys
import zlib

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
megabyte = 1 << 20
hoard = bytearray(os.urandom(32 * megabyte))
changes = 0
server = socket.create_server(("", 7001))
while True:
    client, _ = server.accept()
    with client:
        if client.recv(100).startswith(b"change"):
            changes += 1
            # a page at a time and in place: a slice would be made elsewhere first
            for start in range(0, megabyte, 4096):
                hoard[(changes % 32) * megabyte + start] ^= 0xFF
        client.sendall(b"%d %08x\n" % (changes, zlib.crc32(hoard)))
