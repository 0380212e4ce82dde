# success: the secret is read
import cv2
fs = cv2.FileStorage("@SECRET_FILE@", cv2.FILE_STORAGE_READ); print("BREACH" if fs.isOpened() else "refused")
