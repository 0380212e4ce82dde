# prints: b'hello'
import mmap
m = mmap.mmap(-1, 4096); m[:5] = b"hello"; print(m[:5])
