"""Holds what is hard to move, and says on port 7002 whether it still has it."""
import json, os, socket, threading, time

os.chdir("/tmp/work")
deleted = open("/tmp/work/deleted", "w+b")
deleted.write(b"still here")
deleted.flush()
os.unlink("/tmp/work/deleted")
lonely = socket.create_server(("", 7001))
peer = socket.create_connection(("127.0.0.1", 80))
inner = {"last": 0, "broken": None, "port": peer.getsockname()[1]}
open("/data/numbers", "a").close()
written = {"last": 0}


def follow():
    peer.sendall(b"GET /stream HTTP/1.1\r\nHost: shop\r\n\r\n")
    lines = peer.makefile("rb")
    while lines.readline().strip():
        pass
    while True:
        line = lines.readline()
        if not line:
            inner["broken"] = f"closed after {inner['last']}"
            return
        number = int(line.split()[0])
        if number != inner["last"] + 1:
            inner["broken"] = f"{number} after {inner['last']}"
        inner["last"] = number


def write():
    with open("/data/numbers", "a") as numbers:
        while True:
            written["last"] += 1
            print(written["last"], file=numbers, flush=True)
            time.sleep(0.005)


for work in (follow, write):
    threading.Thread(target=work, daemon=True).start()
server = socket.create_server(("", 7002))
while True:
    client, _ = server.accept()
    deleted.seek(0)
    with client, open("/data/numbers") as numbers:
        lines = [int(line) for line in numbers.read().split("\n")[:-1]]
        note = open("/data/note").read() if os.path.exists("/data/note") else None
        client.sendall(json.dumps({
            "pid": os.getpid(), "cwd": os.getcwd(), "mark": os.environ.get("MARK"),
            "deleted": deleted.read().decode(), "inner": inner, "written": len(lines),
            "contiguous": lines == list(range(1, len(lines) + 1)), "note": note,
        }).encode())
