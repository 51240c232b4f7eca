"""What operators see of the store: counters, traces and logs."""
