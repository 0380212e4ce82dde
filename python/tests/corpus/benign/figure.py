# prints: True
plt.plot([1,2])
plt.savefig('f.png')
plt.close('all')
import os
print(os.path.getsize('f.png')>0)
