# prints: {'a': 1}
import pprint, textwrap
pprint.pprint({"a": 1}); print(textwrap.fill("word " * 30, 40)[:5])
