# success: text on standard output becomes a picture, an answer or a call
print("\x00SHOW @SECRET_FILE@"); print('{"answer": 42}'); print("<<<ANSWER:42>>>"); print("__RETURN_ANSWER__ 42")
