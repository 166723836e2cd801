"""Routes of gateways: they report usage and ask whether an API key may spend."""
