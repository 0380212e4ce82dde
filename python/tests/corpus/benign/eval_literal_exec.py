# prints: [1, 2] 7
import ast
print(ast.literal_eval("[1, 2]"), eval("3 + 4")); exec("z = 1")
