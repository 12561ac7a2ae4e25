{{expected_products|day|toDate(created_at)}}
