"""What was used: bytes that were billed and hours that servers ran, by day, person, project and notebook."""
