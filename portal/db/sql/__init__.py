"""SQL plumbing that no noun owns: sessions, schema, bulk insert, upsert, lists of texts, column types."""
