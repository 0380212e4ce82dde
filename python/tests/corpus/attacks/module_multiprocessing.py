# success: a second process runs
import multiprocessing as mp
for how in ("fork", "spawn", "forkserver"):
    try:
        p = mp.get_context(how).Process(target=print, args=("child",)); p.start(); p.join(2); print("BREACH", how)
    except BaseException as e:
        print(how, type(e))
