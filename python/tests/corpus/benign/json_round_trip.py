# prints: {"a": [1, 2.5, null]}
import json
print(json.dumps(json.loads('{"a": [1, 2.5, null]}')))
