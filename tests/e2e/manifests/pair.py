"""Two programs in the midst of a conversation: one sends numbers faster than the other reads them, and hears of each.

ROLE=receiver reads at port 7100 and answers each number; ROLE=sender sends. How far they are stands in memory and in a
file: a checkpoint has both, and they must agree. PORT says how it goes.
"""
import json, os, random, signal, socket, struct, sys, threading, time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
role = os.environ["ROLE"]
size = 64
state = {"life": random.getrandbits(48), "sent": 0, "received": 0, "answered": 0, "broken": None}
file = os.open(f"/data/{role}", os.O_RDWR | os.O_CREAT)
os.pwrite(file, bytes(24), 0)
lock = threading.Lock()


def note(key, number):
    """The file says what the memory says."""
    with lock:
        known = (state["sent"], state["received"], state["answered"])
        written = struct.unpack("<QQQ", os.pread(file, 24, 0))
        if written != known:
            raise ValueError(f"the file has {written}, the memory {known}")
        state[key] = number
        os.pwrite(file, struct.pack("<QQQ", state["sent"], state["received"], state["answered"]), 0)


def numbers(peer):
    """What comes, each of it the successor of the one before."""
    last, text = 0, b""
    while True:
        while len(text) < size:
            more = peer.recv(size - len(text))
            if not more:
                raise ValueError(f"closed after {last}")
            text += more
        if int(text) != last + 1:
            raise ValueError(f"{text.strip()!r} after {last}")
        last, text = last + 1, b""
        yield last


def message(number):
    return b"%0*d\n" % (size - 1, number)


def receive(server):
    peer, _ = server.accept()
    for number in numbers(peer):
        note("received", number)
        # First what is noted, then what is done: what was sent is never more than what stands here.
        note("answered", number)
        peer.sendall(message(number))
        if number % 10 == 0:
            time.sleep(0.015)


def send(peer):
    while True:
        note("sent", state["sent"] + 1)
        peer.sendall(message(state["sent"]))


def hear(peer):
    for number in numbers(peer):
        note("answered", number)


def telling(work, *arguments):
    try:
        work(*arguments)
    except Exception as error:
        state["broken"] = state["broken"] or f"{work.__name__}: {error}"


def begin(work, *arguments):
    threading.Thread(target=telling, args=(work, *arguments), daemon=True).start()


if role == "receiver":
    inside = socket.create_server(("127.0.0.1", 7100))
    inside.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
    begin(receive, inside)
else:
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32768)
    peer.connect(("127.0.0.1", 7100))
    begin(send, peer)
    begin(hear, peer)
server = socket.create_server(("", int(os.environ["PORT"])))
while True:
    client, _ = server.accept()
    with client:
        client.sendall(json.dumps(state).encode())
