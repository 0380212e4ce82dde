# success: compiled files that all sessions share are changed
import py_compile, os
try:
    py_compile.compile(np.__file__, doraise=True); print("BREACH")
except OSError as e:
    print(e)
