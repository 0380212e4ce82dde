# prints: waits for its picture
f = InputImages[0]; print(f.size, "waits for its picture")
