# success: the host takes a path or a frame of another question
for name in ("../../etc/passwd", "/etc/passwd", 10**6, -10**6):
    try:
        print("BREACH", InputImages[name])
    except Exception as e:
        print(type(e))
