# success: what a cell writes to itself counts as an answer of the host for another session
import socket, os
try:
    s = socket.socket(fileno=3); print(s.getpeername(), s.getsockname()); s.detach()
except OSError as e:
    print(e)
