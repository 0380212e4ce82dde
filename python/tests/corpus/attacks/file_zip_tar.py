# success: the secret is packed
import zipfile, tarfile
z = zipfile.ZipFile("x.zip", "w"); z.write("@SECRET_FILE@")
print("BREACH")
