# success: a file outside is made
import zipfile, io, tarfile
b = io.BytesIO(); t = tarfile.open(fileobj=b, mode="w")
i = tarfile.TarInfo("../../../../../../../../../..@OUTSIDE@/made"); i.size = 2; t.addfile(i, io.BytesIO(b"hi")); t.close()
b.seek(0); tarfile.open(fileobj=b).extractall(".", filter="fully_trusted")
