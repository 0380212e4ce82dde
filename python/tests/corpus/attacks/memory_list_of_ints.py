# success: the machine runs out
x = [0]
while True:
    x = x + x
