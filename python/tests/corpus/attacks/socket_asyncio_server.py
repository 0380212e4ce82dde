# success: a server listens
import asyncio
async def f(): return (await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)).sockets
print("BREACH" if asyncio.run(f()) else "no socket")
