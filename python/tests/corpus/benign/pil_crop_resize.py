# prints: (32, 24)
from PIL import Image
i = Image.fromarray(np.random.randint(0, 255, (48, 64, 3), np.uint8)); print(i.crop((0, 0, 32, 24)).resize((64, 48)).resize((32, 24), Image.LANCZOS).size)
