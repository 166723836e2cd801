"""Usage and gateways, as pages and API show them."""
