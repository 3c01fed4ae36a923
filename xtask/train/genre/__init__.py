"""The genre head and the map."""
