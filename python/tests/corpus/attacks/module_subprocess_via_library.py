# success: a program runs through a library's helper
import platform, uuid, ctypes.util, webbrowser, sysconfig
for f in (lambda: platform.popen("id"), lambda: ctypes.util.find_library("c"), lambda: webbrowser.open("http://127.0.0.1:@TCP@"), lambda: uuid._ifconfig_getnode()):
    try:
        print(f())
    except BaseException as e:
        print(type(e), e)
