"""How pages write dates and times: the same everywhere, and in an order that sorts."""
