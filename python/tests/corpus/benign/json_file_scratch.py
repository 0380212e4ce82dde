# prints: 3
import json
with open("d.json", "w") as f: json.dump({"n": 3}, f)
with open("d.json") as f: print(json.load(f)["n"])
