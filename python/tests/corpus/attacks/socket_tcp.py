# success: the listener is contacted
import socket
socket.create_connection(("127.0.0.1", @TCP@)).send(b"x")
