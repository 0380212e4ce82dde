# success: a cell that cannot be ended
# slow
import re
re.match(r"(a+)+$", "a" * 40 + "b")
