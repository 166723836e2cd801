"""MoE Portal: what people of an organisation used of its shared LLM gateways, and what they may still spend."""
