from api_harness import *

async def test_smoke(http, engine, broker, api):
    print((await http.get("/ready")).text)
    await store(engine, [Order("s1", "o1", "2026-11-22T10:15:30.123456+00:00", (Line("p1", 2, "10.5", "A"),))])
    for _ in range(3):
        t=time.time()
        r = await http.get("/reports/daily-sales?date=2026-11-22", headers=bearer(token("s1")))
        print(r.status_code, r.headers, r.text[:3000], time.time()-t)
    async with stream(http, headers=bearer(token("s1"))) as s:
        print(s.response.status_code, await s.next())
        for i in range(5):
            t=time.time()
            await broker.event(order_event("s1"), "shop.orders")
            t2=time.time()
            print(await s.next(), time.time()-t2,t2-t)
    print(api.text())
    print((await http.get("/metrics")).text)
    print((await http.get("/openapi.json")).text[:300])
    print((await http.get("/nothing")).text, (await http.get("/reports/daily-sales")).headers)
