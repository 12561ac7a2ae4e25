{{expected_products|month|toStartOfMonth(toDate(created_at))}}
