"""Every cgroup tree of the machine is found, whichever version it has."""

from pathlib import Path

from carrel_local.cgroups import Hierarchy, hierarchies
from carrel_local.node import is_init

HYBRID = """\
22 1 0:20 / /sys rw,relatime - sysfs sysfs rw
30 22 0:27 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
31 30 0:28 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
32 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
33 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
34 22 0:31 / /mnt/cgroup rw - ext4 /dev/vda rw
"""
UNIFIED = "29 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 master:2 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_a_hybrid_machine_has_one_tree_per_controller_and_the_unified_one() -> None:
    assert hierarchies(HYBRID) == [
        Hierarchy(Path("/sys/fs/cgroup/memory"), 1),
        Hierarchy(Path("/sys/fs/cgroup/cpu,cpuacct"), 1),
        Hierarchy(Path("/sys/fs/cgroup/unified"), 2),
    ]


def test_version_two_has_one_tree() -> None:
    assert hierarchies(UNIFIED) == [Hierarchy(Path("/sys/fs/cgroup"), 2)]


def test_only_the_first_process_of_the_node_itself_is_its_init() -> None:
    """Containers have a process 1 too, one namespace further down."""
    assert is_init("Name:\tpython\nNSpid:\t4711\t1\n")
    assert not is_init("NSpid:\t4712\t2\n")
    assert not is_init("NSpid:\t4713\t30\t1\n")
    assert not is_init("NSpid:\t1\n")
    assert not is_init("")
