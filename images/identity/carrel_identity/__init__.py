"""The demo sign-in: canaille, an OpenID Connect provider, filled from one file of people."""
