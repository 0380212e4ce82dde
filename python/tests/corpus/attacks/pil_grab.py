# success: a program runs or a display is opened
from PIL import ImageGrab
ImageGrab.grab()
