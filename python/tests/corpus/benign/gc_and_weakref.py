# prints: True
import gc, weakref
class A: pass
a = A(); r = weakref.ref(a); del a; gc.collect(); print(r() is None)
