{{expected_products|month|toStartOfMonth(toDate(placed_at))}}
