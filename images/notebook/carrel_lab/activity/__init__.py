"""What really runs in a server, and what the hub is told of it, so that an idle server stops and a working one never does.

``eyes`` sees, ``rest`` decides what to say, ``agent`` says it; ``queries`` is the part inside each kernel.
"""
