# success: a database outside is made or the secret attached
import sqlite3
c = sqlite3.connect("@OUTSIDE@/made.db"); c.execute("create table t(a)"); c.commit(); print("BREACH")
