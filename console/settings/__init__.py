"""A bucket's settings: each is read, shown as a form and as JSON, checked and set."""
