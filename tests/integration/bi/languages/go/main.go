// Arguments: host:port, login, password, shop, http or native. Prints a row of daily_sales a line, then the error of a write.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/shopspring/decimal"
)

const query = "SELECT local_date, currency, revenue, orders FROM daily_sales WHERE shop_id = {shop:String} ORDER BY local_date"

func main() {
	protocol := clickhouse.Native
	if os.Args[5] == "http" {
		protocol = clickhouse.HTTP
	}
	connection, err := clickhouse.Open(&clickhouse.Options{
		Addr:     []string{os.Args[1]},
		Auth:     clickhouse.Auth{Database: "shopstream_bi", Username: os.Args[2], Password: os.Args[3]},
		Protocol: protocol,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	rows, err := connection.Query(context.Background(), query, clickhouse.Named("shop", os.Args[4]))
	if err != nil {
		log.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var date time.Time
		var currency string
		var revenue decimal.Decimal
		var orders int64
		if err := rows.Scan(&date, &currency, &revenue, &orders); err != nil {
			log.Fatal(err)
		}
		line, err := json.Marshal([]any{date.Format(time.DateOnly), currency, revenue, orders})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(line))
	}
	if err := rows.Err(); err != nil {
		log.Fatal(err)
	}
	var refused *clickhouse.Exception
	if err := connection.Exec(context.Background(), "DROP VIEW daily_sales"); errors.As(err, &refused) {
		fmt.Println(refused.Code)
	} else {
		log.Fatal(err)
	}
}
