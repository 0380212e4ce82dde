# success: control characters reach a terminal of the host (the executor removes them; here they are only text)
print("\x1b]0;owned\x07\x1b[2J" + "\x1b[31m")
