# success: a module outside is run
import sys
sys.path.insert(0, "@OUTSIDE@")
import outside_module
print("BREACH", outside_module)
