"""Measurements beside an empty Django view and nginx, in one run."""
