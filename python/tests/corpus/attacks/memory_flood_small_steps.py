# success: the machine runs out
held = []
while True:
    held.append(bytearray(16 << 20))
