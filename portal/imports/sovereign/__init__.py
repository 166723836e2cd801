"""The importer of a MoE Sovereign: `source` reads its database, `rows` converts rows, `run` stores them."""
