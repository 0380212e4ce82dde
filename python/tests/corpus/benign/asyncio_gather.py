# prints: [0, 1, 2]
import asyncio
async def f(i):
    await asyncio.sleep(0.01); return i
async def main(): return await asyncio.gather(*(f(i) for i in range(3)))
print(asyncio.run(main()))
