# success: the template or the host is hurt
import faulthandler
faulthandler._sigsegv()
