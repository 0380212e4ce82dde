# prints: {'name': 'chair', 'd': '1.2'}
import csv
with open("t.csv", "w", newline="") as f: csv.writer(f).writerows([["name", "d"], ["chair", 1.2]])
with open("t.csv") as f: print(next(csv.DictReader(f)))
