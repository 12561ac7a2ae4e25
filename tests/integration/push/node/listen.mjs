// Listens by one client until it is stopped, and prints each item as a line of JSON.
// node listen.mjs KIND URL TOKEN USER SHOP [TYPES]
import { EventSource } from "eventsource";
import { io } from "socket.io-client";

const [kind, url, token, userId, shopId, types] = process.argv.slice(2);
const say = item => console.log(JSON.stringify(item));
let cursor;

if (kind === "eventsource") {
  // the token goes in a header; the package comes back by itself with Last-Event-ID
  const source = new EventSource(`${url}/events${types ? `?types=${types}` : ""}`, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } }),
  });
  source.addEventListener("stream:ready", event => say({ name: "stream:ready", data: JSON.parse(event.data) }));
  source.addEventListener("stream:reset", event => say({ name: "stream:reset", data: JSON.parse(event.data) }));
  for (const type of ["inventory:updated", "supplier:updated"])
    source.addEventListener(type, event =>
      say({ name: event.type, cursor: event.lastEventId, id: JSON.parse(event.data).id }));
  source.onerror = error => { if (error.code) say({ name: "refused", status: error.code }); };
} else {
  const transports = { websocket: ["websocket"], polling: ["polling"], upgrade: ["polling", "websocket"] }[kind];
  const socket = io(url, {
    query: { userId, shopId },
    auth: done => done({ token, cursor, ...(types && { types }) }),
    transports,
    reconnectionDelay: 100,
    reconnectionDelayMax: 300,
  });
  socket.io.engine?.on("upgrade", transport => say({ name: "upgrade", transport: transport.name }));
  socket.on("connect_error", error => say({ name: "connect_error", message: error.message, data: error.data ?? null }));
  socket.onAny((name, data, meta) => {
    if (meta === undefined) {
      if (name !== "stream:bye") cursor = data.cursor;
      say({ name, data });
    } else {
      cursor = meta.cursor;
      say({ name, cursor: meta.cursor, id: meta.id });
    }
  });
}
