"""Writes numbered rows to /data/ledger.db, and says on port 7003 what it remembers and what the database holds.
For each connection: one JSON line, {"remembered": N, "rows": N, "last": N, "integrity": "ok"}."""
import json
import socket
import sqlite3
import threading
import time

lock = threading.Lock()
remembered = 0
ledger = sqlite3.connect("/data/ledger.db", check_same_thread=False, isolation_level=None)
ledger.execute("PRAGMA journal_mode = WAL")
ledger.execute("CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, text TEXT)")


def write():
    global remembered
    while True:
        with lock:
            ledger.execute("BEGIN")
            ledger.execute("INSERT INTO entries VALUES (?, ?)", (remembered + 1, "x" * 200))
            ledger.execute("COMMIT")
            remembered += 1
        time.sleep(0.005)


def look():
    with lock:
        rows, last = ledger.execute("SELECT count(*), max(number) FROM entries").fetchone()
        integrity = ledger.execute("PRAGMA integrity_check").fetchone()[0]
        return {"remembered": remembered, "rows": rows, "last": last, "integrity": integrity}


threading.Thread(target=write, daemon=True).start()
server = socket.create_server(("", 7003))
while True:
    client, _ = server.accept()
    with client:
        client.sendall(json.dumps(look()).encode())
