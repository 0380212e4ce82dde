# prints: area 81.0
import cv2
m = np.zeros((20, 20), np.uint8); m[5:15, 5:15] = 255
c, _ = cv2.findContours(m, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE); print("area", cv2.contourArea(c[0]))
