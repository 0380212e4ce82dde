# prints: 5.0
import cv2
o = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float); k = np.array([[100, 0, 50], [0, 100, 50], [0, 0, 1]], float)
p = cv2.projectPoints(o, np.zeros(3), np.array([0, 0, 5.0]), k, None)[0]; print(round(float(cv2.solvePnP(o, p, k, None)[2][2, 0]), 3))
