"""The key-value dialects: /objects/{key} and the strict /kv/{key}."""
