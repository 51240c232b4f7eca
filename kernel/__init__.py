"""The ground floor: what every storey of the object store shares, in pure Python."""
