"""One module for each group of operations; each handler parses, calls, renders."""
