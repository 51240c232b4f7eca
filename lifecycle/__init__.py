"""Lifecycle rules: what expires, what moves, and when."""
