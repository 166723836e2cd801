"""The card on Profile that says where notifications go."""
