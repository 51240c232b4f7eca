"""A project of one's own that keeps its files in the store's apps beside it."""
