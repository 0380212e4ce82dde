# success: the session hangs when the object goes
# slow
class F:
    def __del__(self):
        while True:
            pass
F()
