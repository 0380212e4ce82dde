# prints: ['1', '22']
import re
print(re.compile(r'\d+').findall('a1b22'))
