# prints: [1, 2] 1
import bisect, heapq
print(heapq.nsmallest(2, [3, 1, 2]), bisect.bisect([1, 3], 2))
