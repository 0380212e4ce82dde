# prints: 2024-03-01
import datetime
print(datetime.date(2024,2,28)+datetime.timedelta(2))
