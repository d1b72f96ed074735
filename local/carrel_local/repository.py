"""Where things lie in the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / "local"
CHART = ROOT / "helm" / "carrel"
IMAGES = ROOT / "images"
