# prints: found
import cv2
i = np.random.default_rng(0).integers(0, 255, (120, 160), dtype=np.uint8); k, d = cv2.ORB_create(100).detectAndCompute(i, None); print("found" if len(k) else "none")
