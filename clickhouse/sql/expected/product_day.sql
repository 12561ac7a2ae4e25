{{expected_products|day|toDate(placed_at)}}
