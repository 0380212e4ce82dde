# success: the listener is contacted
import socket
s = socket.socket(socket.AF_UNIX); s.connect("@UNIX@"); s.send(b"x")
