# success: the host or another session is hurt by a crash
import ctypes
ctypes.string_at(0)
