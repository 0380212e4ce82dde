# prints: 2024-02-29
from datetime import date, datetime, timedelta
print(date(2024, 2, 28) + timedelta(days=1)); datetime.now().isoformat()
