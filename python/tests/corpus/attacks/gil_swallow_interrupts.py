# success: a cell that cannot be ended
# slow
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
