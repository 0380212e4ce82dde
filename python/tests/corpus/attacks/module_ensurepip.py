# success: a package is fetched or a program runs
import ensurepip, runpy, sys
sys.argv = ["pip", "install", "x"]
runpy.run_module("pip", run_name="__main__")
