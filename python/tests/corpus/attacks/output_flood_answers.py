# success: the host is hurt by answers
for n in range(20000):
    ReturnAnswer("a" * 9000)
