"""Lifecycle runs and what they did."""
