{{expected_products|slot|toStartOfFifteenMinutes(created_at)}}
