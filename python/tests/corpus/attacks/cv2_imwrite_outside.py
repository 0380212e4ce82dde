# success: a file outside is made
import cv2
print("BREACH" if cv2.imwrite("@OUTSIDE@/made.png", np.zeros((2, 2, 3), np.uint8)) else "refused")
