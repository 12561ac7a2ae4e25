// The rival of bench/push: socket.io with one room a shop. Commands come on standard input, as in push_server.py.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false });
io.on("connection", socket => {
  socket.join(socket.handshake.query.room);
  socket.emit("stream:ready", {});
});
http.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("ready"));

const turn = () => new Promise(done => setImmediate(done));
const data = n => ({ productId: `p${n % 100}`, quantity: n, updatedAt: "2026-11-22T10:15:30.123Z", mark: 1,
  name: "Earl Grey, loose leaf, 100 g tin with a very long name indeed" });
const meta = n => ({ id: `event-${n}`, time: "2026-11-22T10:15:30.123Z", cursor: "x".repeat(160) });
const emit = (room, n, more = {}) => io.to(room).emit("inventory:updated", { ...data(n), ...more }, meta(n));
const deeds = {
  async single({ events, channels }) {
    for (let n = 0; n < events; n++) { emit(`s${n % channels}`, n); await turn(); }
  },
  async burst({ events, at_once }) {
    for (let n = 0; n < events; n++) { emit("s0", n); if (n % at_once === at_once - 1) await turn(); }
  },
  async rate({ rate, seconds, channels }) {
    const begun = process.hrtime.bigint();
    for (let n = 0; n < rate * seconds;) {
      const due = Number(process.hrtime.bigint() - begun) / 1e9 * rate;
      while (n < due && n < rate * seconds) emit(`s${n % channels}`, n++, { t: process.hrtime.bigint().toString() });
      await turn();
    }
  },
};
for await (const line of createInterface({ input: process.stdin })) {
  const { deed, ...how } = JSON.parse(line);
  await deeds[deed](how);
  console.log("done");
}
