"""freezing_proxy.py PORT: what connects to it reaches 127.0.0.1:PORT.

On SIGUSR1 the connections of that moment fall silent with all sockets open, as when a machine or a path to it vanishes
without a word. Later ones are served.
"""
import selectors
import signal
import socket
import sys

target = ("127.0.0.1", int(sys.argv[1]))
selector = selectors.DefaultSelector()
peers = {}   # where the bytes of a socket go
frozen = []  # kept, for a socket nobody holds is closed


def accept(listener):
    near, _ = listener.accept()
    far = socket.create_connection(target)
    for here, there in ((near, far), (far, near)):
        peers[here] = there
        selector.register(here, selectors.EVENT_READ, forward)
    print("a connection", flush=True)


def forward(here):
    if here not in peers:  # closed in this turn
        return
    there = peers[here]
    try:
        data = here.recv(65536)
        if data:
            there.sendall(data)
            return
    except OSError:
        pass
    for end in (here, there):
        selector.unregister(end)
        del peers[end]
        end.close()


def freeze(woken):
    woken.recv(64)
    for end in peers:
        selector.unregister(end)
    frozen.extend(peers)
    print(f"{len(peers) // 2} connections are frozen", flush=True)
    peers.clear()


woken, waker = socket.socketpair()
waker.setblocking(False)
signal.set_wakeup_fd(waker.fileno())
signal.signal(signal.SIGUSR1, lambda *_: None)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
selector.register(woken, selectors.EVENT_READ, freeze)
server = socket.create_server(("127.0.0.1", 0))
selector.register(server, selectors.EVENT_READ, accept)
print(f"listening on {server.getsockname()[1]}", flush=True)
while True:
    for key, _ in selector.select():
        key.data(key.fileobj)
