"""Buckets: their metadata, configurations and the one door that guards them."""
