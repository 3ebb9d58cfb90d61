"""The session: its state, its events, its history and address, the models at hand, and what follows from them."""
