# success: the secret is in a message
import warnings, logging
logging.basicConfig()
plt.style.use("@SECRET_FILE@")
