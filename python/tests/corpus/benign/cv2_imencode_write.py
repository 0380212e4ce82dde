# prints: (10, 12, 3)
import cv2
i = np.full((10, 12, 3), 9, np.uint8); cv2.imwrite("a.png", i); print(cv2.imread("a.png").shape, cv2.imencode(".jpg", i)[0])
