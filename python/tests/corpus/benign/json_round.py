# prints: {'a': [1, 2]}
import json
print(json.loads(json.dumps({'a':[1,2]})))
