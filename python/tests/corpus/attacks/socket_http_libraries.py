# success: the listener is contacted
import http.client, ftplib, smtplib, asyncio
for f in (lambda: http.client.HTTPConnection("127.0.0.1", @TCP@).request("GET", "/"), lambda: ftplib.FTP("127.0.0.1"), lambda: smtplib.SMTP("127.0.0.1", @TCP@), lambda: asyncio.run(asyncio.open_connection("127.0.0.1", @TCP@))):
    try:
        f(); print("BREACH")
    except OSError as e:
        print(e)
