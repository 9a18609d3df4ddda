"""The parts of the HTTP interface: no routes and no application yet. FastAPI is imported here alone."""
