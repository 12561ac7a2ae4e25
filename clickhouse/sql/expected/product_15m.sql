{{expected_products|slot|toStartOfFifteenMinutes(placed_at)}}
