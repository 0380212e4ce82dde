# prints: 1
print(len(InputImages), InputImages.frame_indices if hasattr(InputImages, "frame_indices") else "", type(Metadata).__name__)
