# prints: YWJj
import base64, hashlib, uuid
print(base64.b64encode(b"abc").decode(), hashlib.sha256(b"x").hexdigest()[:4], len(str(uuid.uuid4())))
