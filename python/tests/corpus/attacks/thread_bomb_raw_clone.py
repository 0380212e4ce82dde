# success: thousands of threads by raw calls
# needs: uid
import _thread, time
n = 0
try:
    _thread.stack_size(32768)
    while n < 5000:
        _thread.start_new_thread(time.sleep, (5,)); n += 1
except BaseException as error:
    print(error)
print("BREACH" if n > 70 else "bounded", n)
