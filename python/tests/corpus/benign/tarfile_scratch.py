# prints: ['a.txt']
import tarfile
open("a.txt", "w").write("x")
with tarfile.open("a.tgz", "w:gz") as t: t.add("a.txt")
with tarfile.open("a.tgz") as t: print(t.getnames()); t.extractall("out", filter="data")
