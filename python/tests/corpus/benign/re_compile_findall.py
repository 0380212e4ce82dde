# prints: ['1.5', '20']
import re
print(re.compile(r"\d+(?:\.\d+)?").findall("1.5 m and 20 cm"))
