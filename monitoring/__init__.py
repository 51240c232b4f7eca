"""What operators look at: figures over time, who is alive, and whether all is well."""
