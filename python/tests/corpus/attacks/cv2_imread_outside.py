# success: a picture outside is read
import cv2
r = cv2.imread("@OUTSIDE@/picture.png"); print("BREACH" if r is not None else "refused")
