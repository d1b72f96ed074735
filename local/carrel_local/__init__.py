"""A real Kubernetes on one Linux machine: built from Go modules, started, filled with Carrel, stopped without a trace."""
