# success: /proc/self/environ can be read
print(open("/proc/self/environ", "rb").read())
