"""The management UI on the Django admin."""
