"""The session: its state, events, history and address, the library of models, and the analysis of a session."""
