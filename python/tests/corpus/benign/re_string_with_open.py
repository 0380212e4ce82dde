# prints: open('x') and eval(
s = "open('x') and eval("  # only text
print(s, "import os; os.system" in s)
