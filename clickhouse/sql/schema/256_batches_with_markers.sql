-- Whether a version that writes commit markers began the batch: one that did not may have applied it under a deduplication token.
ALTER TABLE batches ADD COLUMN IF NOT EXISTS markers Bool AFTER writer
