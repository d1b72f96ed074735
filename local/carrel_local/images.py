"""Container images without a registry: built by buildah, kept as archives under their content's hash, given to the node."""

import configparser
import io
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import image_source
from .commands import follow, run, succeeds
from .instance import CACHE, Instance
from .problem import Problem
from .progress import Step
from .repository import IMAGES, LOCAL, ROOT

ARCHIVES = CACHE / "images"
STORAGE = CACHE / "buildah"
TEMPORARY = STORAGE / "temporary"
PACKAGES = "python3,python3-venv,ca-certificates"
SUITE = "trixie"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Where packages come from, on machines that must not ask the public index.
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy")
# The order in which a person's first start needs them.
FIRST = (
    "pause",
    "base",
    "hub",
    "proxy",
    "operator",
    "identity",
    "warehouse",
    "gateway",
    "backup",
    "notebook",
)


@dataclass(frozen=True)
class Image:
    """One image: where its Dockerfile and context are, and the key its sources give it."""

    name: str
    dockerfile: Path
    context: Path
    key: str

    @property
    def repository(self) -> str:
        """The name without the tag."""
        return f"localhost/carrel-{self.name}"

    @property
    def reference(self) -> str:
        """The whole name."""
        return f"{self.repository}:{self.key}"

    @property
    def archive(self) -> Path:
        """The file that holds the built image."""
        return ARCHIVES / f"{self.name}-{self.key}.tar"


def names() -> list[str]:
    """Every image of this checkout, in the order to build them."""
    found = {"pause", "base", *(dockerfile.parent.name for dockerfile in IMAGES.glob("*/Dockerfile"))}
    return [*(name for name in FIRST if name in found), *sorted(found - set(FIRST))]


def catalogue(wanted: Iterable[str]) -> dict[str, Image]:
    """The images of those names, in their order.

    Raises:
        Problem: a Dockerfile copies something that is not there.
    """
    base = _base()
    return {name: _image(name, base) for name in wanted}


def _image(name: str, base: Image) -> Image:
    if name == "base":
        return base
    if name == "pause":
        return _pause()
    dockerfile = IMAGES / name / "Dockerfile"
    try:
        key = image_source.key(dockerfile.read_text(), ROOT, base.key)
    except FileNotFoundError as error:
        raise Problem(f"The image {name} cannot be built: {error}.") from error
    return Image(name, dockerfile, ROOT, key)


def _pause() -> Image:
    dockerfile, context = LOCAL / "pause" / "Dockerfile", CACHE / "context" / "pause"
    context.mkdir(parents=True, exist_ok=True)
    catatonit = shutil.which("catatonit")
    if not catatonit:
        raise Problem("The program catatonit is not installed.")
    shutil.copy2(catatonit, context / "catatonit")
    return Image("pause", dockerfile, context, image_source.key(dockerfile.read_text(), context, ""))


def _base() -> Image:
    """Its context holds one archive that mmdebstrap makes, so the arguments of mmdebstrap stand for it."""
    dockerfile = LOCAL / "base" / "Dockerfile"
    context = CACHE / "context" / f"{SUITE}-base"
    text = dockerfile.read_text().replace("ADD base.tar /", "")
    return Image("base", dockerfile, context, image_source.key(text, context, f"{SUITE} {PACKAGES}"))


def clean_up() -> None:
    """Remove what a killed build left, working containers and half-written layers; nobody else may be building."""
    shutil.rmtree(TEMPORARY, ignore_errors=True)
    TEMPORARY.mkdir(parents=True)
    run(*_isolated(), "rm", "--all")


def build(image: Image, base: Image, step: Step) -> None:
    """Make the image's archive unless it is there.

    Raises:
        Problem: a step of the Dockerfile failed.
    """
    if image.archive.exists():
        return
    ARCHIVES.mkdir(parents=True, exist_ok=True)
    if image.name == "base":
        _bootstrap(image, step)
    arguments = ["--build-arg", f"BASE_IMAGE={base.reference}"] if image.context == ROOT else []
    if image.context == ROOT and not _buildah_knows(base):
        _buildah("pull", f"oci-archive:{base.archive}", step=step, log=f"image-{image.name}")
    _buildah(
        "bud",
        "--isolation=chroot",
        "--layers",
        *arguments,
        *(f"--volume={source}:{target}:ro" for source, target in mounts()),
        f"--tag={image.reference}",
        f"--file={image.dockerfile}",
        image.context,
        step=step,
        log=f"image-{image.name}",
    )
    step.say("writing the archive")
    half = image.archive.with_suffix(".half")
    half.unlink(missing_ok=True)
    destination = f"oci-archive:{half}:{image.reference}"
    # Not compressed: packing and unpacking costs more than the disk space is worth here.
    _buildah(
        "push", "--disable-compression", image.reference, destination, step=step, log=f"push-{image.name}"
    )
    half.replace(image.archive)
    _forget_older(image, step)


def _bootstrap(image: Image, step: Step) -> None:
    """The Debian base, made from Debian's packages by mmdebstrap."""
    image.context.mkdir(parents=True, exist_ok=True)
    half = image.context / "half.tar"
    arguments = ["--variant=minbase", f"--include={PACKAGES}", SUITE, str(half)]
    follow("mmdebstrap", *arguments, log=CACHE / "logs" / "mmdebstrap.log", each_line=step.say)
    half.replace(image.context / "base.tar")


def _forget_older(image: Image, step: Step) -> None:
    """Those of the last hour stay: another checkout may be about to load one."""
    for archive in ARCHIVES.glob(f"{image.name}-*.tar"):
        is_ours = archive != image.archive and archive.stem.rpartition("-")[0] == image.name
        if is_ours and time.time() - archive.stat().st_mtime > 3600:
            archive.unlink()
    listed = run(
        *_isolated(), "images", "--format={{.Name}}:{{.Tag}}", f"--filter=reference={image.repository}"
    )
    for reference in set(listed.split()) - {image.reference}:
        _buildah("rmi", reference, step=step, log=f"forget-{image.name}")


def mounts() -> list[tuple[Path, str]]:
    """What of the machine the build may see, read only: how to trust and where to ask for packages."""
    configuration = pip_configuration(
        os.environ, [Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf"]
    )
    file = CACHE / "context" / "pip.conf"
    file.write_text(configuration)
    found = [(file, "/etc/pip.conf")]
    if CERTIFICATES.exists():
        found.append((CERTIFICATES, str(CERTIFICATES)))
    for source, target in ((Path.home() / ".npmrc", "/root/.npmrc"), (Path("/etc/npmrc"), "/etc/npmrc")):
        if source.exists():
            found.append((source, target))
    return found


def pip_configuration(environment: Mapping[str, str], files: Iterable[Path]) -> str:
    """The machine's pip settings as the text of one file: its files, and over them its variables."""
    merged = configparser.ConfigParser(interpolation=None)
    merged.read(files)
    if not merged.has_section("global"):
        merged.add_section("global")
    for name in PIP_SETTINGS:
        value = environment.get(f"PIP_{name.upper().replace('-', '_')}")
        if value:
            merged.set("global", name, value)
    text = io.StringIO()
    merged.write(text)
    return text.getvalue()


def _buildah(*arguments: str | Path, step: Step, log: str) -> None:
    environment = {"TMPDIR": str(TEMPORARY)}
    follow(*_isolated(), *arguments, log=CACHE / "logs" / f"{log}.log", each_line=step.say, env=environment)


def _isolated() -> list[str]:
    """In namespaces of its own, so that a build that is killed leaves no mount and no process behind."""
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    storage = [f"--root={STORAGE / 'storage'}", f"--runroot={STORAGE / 'run'}", "--storage-driver=overlay"]
    return [*namespaces, "buildah", *storage]


def _buildah_knows(image: Image) -> bool:
    return succeeds(*_isolated(), "inspect", "--type=image", image.reference)


def in_node(here: Instance, ctr: Path) -> set[str]:
    """The references the node's containerd holds."""
    return set(run(*_ctr(here, ctr), "images", "list", "--quiet").split())


def give(here: Instance, ctr: Path, image: Image) -> None:
    """Import the archive into the node, unless it is there."""
    if image.reference not in in_node(here, ctr):
        run(*_ctr(here, ctr), "images", "import", image.archive, timeout=600)


def _ctr(here: Instance, ctr: Path) -> list[str | Path]:
    return [ctr, "--address", here.containerd_socket, "--namespace", "k8s.io"]
