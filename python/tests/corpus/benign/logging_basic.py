# prints: logged
# warns
import logging
logging.basicConfig(level=logging.INFO); logging.info("measuring"); logging.getLogger("x").warning("sparse"); print("logged")
