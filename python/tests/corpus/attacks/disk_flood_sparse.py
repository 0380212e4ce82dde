# success: a sparse file beyond the bound on files
f = open("sparse", "wb")
try:
    f.truncate(1 << 40); print("BREACH")
except OSError as e:
    print("bounded", e)
