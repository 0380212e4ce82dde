# prints: [('x.txt', 3)] abc
import gzip, zipfile
with zipfile.ZipFile("x.zip", "w", zipfile.ZIP_DEFLATED) as z: z.writestr("x.txt", "abc")
with gzip.open("x.gz", "wt") as f: f.write("abc")
print([(i.filename, i.file_size) for i in zipfile.ZipFile("x.zip").infolist()], gzip.open("x.gz", "rt").read())
