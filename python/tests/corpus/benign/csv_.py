# prints: [['a', 'b']]
import csv
print(list(csv.reader(['a,b'])))
