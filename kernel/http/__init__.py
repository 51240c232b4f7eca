"""What every dialect needs of HTTP."""
