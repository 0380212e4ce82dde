# success: the listener is contacted
import socket
s = socket.socket(socket.AF_UNIX); s.connect("\0@ABSTRACT@"); s.send(b"x")
