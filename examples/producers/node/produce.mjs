// Arguments: host:port of Kafka. Standard input: orders, one CloudEvent in JSON a line.
import { createInterface } from "node:readline";
import { Kafka, Partitioners } from "kafkajs";

const kafka = new Kafka({ brokers: [process.argv[2]] });
const producer = kafka.producer({
  createPartitioner: Partitioners.DefaultPartitioner, // murmur2, as Java
  idempotent: true, // and so acks of all in-sync replicas
});
await producer.connect();
const messages = [];
for await (const line of createInterface({ input: process.stdin })) {
  const { shopid, data } = JSON.parse(line);
  messages.push({ key: `${shopid}/${data.orderId}`, value: line });
}
await producer.send({ topic: "shop.orders", acks: -1, messages });
await producer.disconnect();
