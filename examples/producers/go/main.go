// Arguments: host:port of Kafka. Standard input: orders, one CloudEvent in JSON a line.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"log"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	// idempotent, acks of all in-sync replicas and murmur2 are the defaults of franz-go
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 512*1024)
	for lines.Scan() {
		var event struct {
			ShopID string `json:"shopid"`
			Data   struct{ OrderID string }
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			log.Fatal(err)
		}
		key := event.ShopID + "/" + event.Data.OrderID
		record := &kgo.Record{Topic: "shop.orders", Key: []byte(key), Value: []byte(lines.Text())}
		client.Produce(context.Background(), record, func(_ *kgo.Record, err error) {
			if err != nil {
				log.Fatal(err)
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		log.Fatal(err)
	}
}
