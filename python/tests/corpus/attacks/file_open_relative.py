# success: the secret is read by climbing up
for n in range(1, 12):
    try:
        print(open("../" * n + "@SECRET_FILE@".lstrip("/")).read())
    except OSError as e:
        pass
print("tried")
