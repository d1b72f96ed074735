"""Which profile dbt works with."""

from pathlib import Path

import yaml

from carrel_lab import own
from carrel_lab.dbt_command import defaults

OURS = Path(__file__).parents[3] / "images/notebook/etc/dbt"
QUIET = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}


def test_whoever_has_no_profile_gets_one_with_a_dataset_of_their_own(tmp_path: Path) -> None:
    found = defaults({"HOME": str(tmp_path), "USER": "ada-lovelace"}, ["build"], tmp_path, OURS)
    assert found == QUIET | {
        "DBT_PROFILES_DIR": str(OURS),
        "DBT_PROFILE": "carrel",
        "CARREL_DBT_DATASET": "dbt_ada_lovelace",
    }
    [output] = yaml.safe_load((OURS / "profiles.yml").read_text())[found["DBT_PROFILE"]]["outputs"].values()
    assert output["method"] == "oauth"


def test_a_profile_of_their_own_wins(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path / "home"), "USER": "ada"}
    assert defaults(environment | {"DBT_PROFILES_DIR": "/x"}, ["build"], tmp_path, OURS) == QUIET
    assert defaults(environment, ["build", "--profiles-dir=/x"], tmp_path, OURS) == QUIET
    for place in (tmp_path / "home/.dbt", tmp_path):
        place.mkdir(parents=True, exist_ok=True)
        (place / "profiles.yml").touch()
        assert defaults(environment, ["build"], tmp_path, OURS) == QUIET
        (place / "profiles.yml").unlink()
    assert defaults(environment, ["build"], tmp_path, OURS) != QUIET


def test_no_two_logins_have_one_dataset() -> None:
    logins = ["ada", "ada-b", "project_sales", "project-sales", "x---0123456789"]
    found = [own.dataset({"USER": login}) for login in logins]
    assert found == ["ada", "ada_b", "project__sales", "project_sales", "x___0123456789"]
