"""How the app speaks HTTP: the guard before it, and how its answers travel."""
