-- The last step in the engine. Only the present owner may say that a batch is applied: nobody repeats step 3 after that.
INSERT INTO batches (batch, applied, at, writer)
SELECT {batch:UInt64}, true, now64(3), {writer:String}
WHERE {{fence}}
