# success: the listener is contacted
import cv2
print(cv2.VideoCapture("http://127.0.0.1:@TCP@/v.mp4").isOpened())
print(cv2.VideoCapture("tcp://127.0.0.1:@TCP@").isOpened())
