# success: the secret is read
print(open("@SECRET_FILE@").read())
