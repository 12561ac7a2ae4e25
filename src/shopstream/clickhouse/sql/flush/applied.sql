SELECT countIf(applied) > 0 AS applied FROM batches WHERE batch = {batch:UInt64}
