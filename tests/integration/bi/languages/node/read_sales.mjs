// Arguments: host:port, login, password, shop. Prints a row of daily_sales a line, then the error of a write.
import { createClient } from "@clickhouse/client";

const [address, username, password, shop] = process.argv.slice(2);
const client = createClient({
  url: `http://${address}`,
  username,
  password,
  database: "shopstream_bi",
  clickhouse_settings: { output_format_json_quote_decimals: 1, output_format_json_quote_64bit_integers: 0 },
});
const answer = await client.query({
  query:
    "SELECT local_date, currency, revenue, orders FROM daily_sales WHERE shop_id = {shop: String} ORDER BY local_date",
  query_params: { shop },
  format: "JSONCompactEachRow",
});
for await (const rows of answer.stream()) {
  for (const row of rows) console.log(JSON.stringify(row.json()));
}
try {
  await client.command({ query: "DROP VIEW daily_sales" });
} catch (refused) {
  console.log(refused.code);
}
await client.close();
