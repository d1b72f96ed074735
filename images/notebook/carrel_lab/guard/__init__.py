"""The memory guard: it sees memory run out before the kernel's OOM killer does, and acts on the one cell to blame.

``cgroup`` and ``processes`` read, ``ladder`` decides, ``agent`` acts; ``kernel`` is the part inside each kernel.
"""
