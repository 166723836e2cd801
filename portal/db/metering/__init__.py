"""Usage events, their sums, and the gateways that report them."""
