# success: the cell waits on standard input for ever
import pdb
pdb.Pdb(nosigint=True).set_trace()
x = input()
