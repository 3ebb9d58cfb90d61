"""What belongs to no single panel: the address that writes the session, and what follows from it on the whole page."""
