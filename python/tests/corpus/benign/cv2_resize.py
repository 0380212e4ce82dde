# prints: (6, 8)
import cv2
print(cv2.resize(np.zeros((4,4),np.uint8),(8,6)).shape)
