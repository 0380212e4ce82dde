# prints: (2,) (1,)
import sqlite3
c = sqlite3.connect(":memory:"); c.execute("create table t(a)"); c.executemany("insert into t values(?)", [(1,), (2,)])
f = sqlite3.connect("s.db"); f.execute("create table t(a)"); f.execute("insert into t values(1)"); f.commit()
print(c.execute("select count(*) from t").fetchone(), f.execute("select count(*) from t").fetchone())
