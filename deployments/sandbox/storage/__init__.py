"""Cloud Storage: the objects and their generations (`store`), and the JSON API over them (`api`)."""
