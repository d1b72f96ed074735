"""What the Go builds read from their go.mod files, and when they build again."""

import re

import pytest

from carrel_local.configuration import TEMPLATES
from carrel_local.programs import GROUPS, Group, flags, key, needed_go, pinned, tools
from carrel_local.repository import LOCAL

GO_MOD = """\
module carrel.dev/local/example

go 1.26.0

tool (
\texample.org/a/v2/cmd/one
\texample.org/a/v2/cmd/two
)

require (
\texample.org/a v1.0.0 // indirect
\texample.org/a/v2 v2.3.7 // indirect
)

require example.org/b v0.1.0
"""


def test_a_module_is_found_by_its_whole_path() -> None:
    assert pinned(GO_MOD, "example.org/a/v2") == "v2.3.7"
    assert pinned(GO_MOD, "example.org/b") == "v0.1.0"
    with pytest.raises(ValueError, match="does not require example"):
        pinned(GO_MOD, "example")


def test_tools_stand_in_a_block_or_alone() -> None:
    assert tools(GO_MOD) == ["example.org/a/v2/cmd/one", "example.org/a/v2/cmd/two"]
    assert tools("module m\n\ntool example.org/a/cmd/one\n") == ["example.org/a/cmd/one"]
    assert tools("module m\n") == []


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_every_group_of_the_checkout_is_pinned_and_says_its_version(group: Group) -> None:
    assert group.version.startswith("v")
    assert "-trimpath" in flags(group)


def test_kubernetes_tells_its_own_version_to_clients() -> None:
    link = next(flag for flag in flags(GROUPS[0]) if flag.startswith("-ldflags"))
    assert "version.gitVersion=v1.37" in link
    assert "version.gitMinor=37" in link


def test_coredns_has_the_plugins_of_its_corefile_and_no_others() -> None:
    main = (LOCAL / "programs" / "coredns" / "main.go").read_text()
    linked = re.findall(r"coredns/plugin/(\w+)\"", main)
    named = re.findall(r"^    (\$?\w+)", (TEMPLATES / "Corefile").read_text(), re.MULTILINE)
    assert linked == sorted(name.removeprefix("$") for name in named)


def test_a_program_is_built_again_when_compiler_flags_or_sources_change() -> None:
    sources = {"go.mod": b"a", "go.sum": b"b"}
    keys = {
        key("go1.26.8", ["-trimpath"], sources),
        key("go1.27.3", ["-trimpath"], sources),
        key("go1.26.8", ["-trimpath", "-tags=x"], sources),
        key("go1.26.8", ["-trimpath"], {**sources, "go.sum": b"c"}),
        key("go1.26.8", ["-trimpath"], {**sources, "main.go": b""}),
    }
    assert len(keys) == 5
    assert key("go1.26.8", ["-trimpath"], dict(reversed(sources.items()))) in keys


def test_go_of_debian_is_too_old_for_kubernetes() -> None:
    assert needed_go() >= (1, 26)
