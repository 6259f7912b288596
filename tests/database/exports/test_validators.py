"""Exports in the hands of the programs that they are for, which live in an environment of their own.

    python -m venv .validators && .validators/bin/pip install -r tests/validators.txt

makes it; MILPA_VALIDATORS names another one's Python. The validator of fiboa fetches its schemas, unless
MILPA_SCHEMAS names a folder of them, as HOST/PATH.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from annotator.enums import ExportKind
from tests.celery_workers import ROOT
from tests.exporting import made, unpacked

pytestmark = pytest.mark.django_db

_VALIDATE = """
import json, sys
from pathlib import Path
import referencing, yaml
import fiboa_cli.registry
from fiboa_cli.validate import ValidateData
from vecorel_cli.validate_schema import ValidateSchema
from vecorel_cli.vecorel.util import file_cache
file, schemas = sys.argv[1:]
for path in (path for path in Path(schemas).rglob("*") if schemas and path.is_file()):
    file_cache["https://" + path.relative_to(schemas).as_posix()] = yaml.safe_load(path.read_text())
fetch = ValidateSchema.retrieve_remote_schema
ValidateSchema.retrieve_remote_schema = staticmethod(
    lambda uri: referencing.Resource.from_contents(file_cache[uri]) if uri in file_cache else fetch(uri)
)
said = ValidateData().validate(file)
print(json.dumps({"errors": [str(e) for e in said.errors], "warnings": [str(w) for w in said.warnings]}))
"""
_LOAD = """
import json, sys
from pathlib import Path
from datasets import Image, Sequence, load_dataset
folder = Path(sys.argv[1])
files = {side.name: str(side / "instructions.jsonl") for side in folder.iterdir() if side.is_dir()}
found = load_dataset("json", data_files=files)
def with_images(row, side):
    content = [part for message in row["messages"] for part in message["content"]]
    return {"images": [str(folder / side / part["path"]) for part in content if part["type"] == "image"]}
told = {}
for side, rows in found.items():
    rows = rows.map(with_images, fn_kwargs={"side": side}).cast_column("images", Sequence(Image()))
    told[side] = [{"key": r["key"], "answer": r["answer"], "images": [i.size for i in r["images"]]} for r in rows]
print(json.dumps(told))
"""


@pytest.fixture(scope="session")
def python() -> Path:
    found = Path(os.environ.get("MILPA_VALIDATORS") or ROOT / ".validators" / "bin" / "python")
    if not found.is_file():
        pytest.skip("there is no environment of validators; tests/validators.txt says what is in it")
    return found


def told(python: Path, program: str, *words: str, folder: Path) -> Any:
    environment = {**os.environ, "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([python, "-c", program, *words], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_parcels_are_valid_by_the_validator_of_fiboa(python, project, masks, tmp_path) -> None:
    file = unpacked(made(project, ExportKind.GEOPARQUET), tmp_path / "out") / "parcels.parquet"
    schemas = os.environ.get("MILPA_SCHEMAS", "")
    said = told(python, _VALIDATE, str(file), schemas, folder=tmp_path)
    assert said["errors"] == []
    assert all(warning.startswith("milpa:") for warning in said["warnings"]), (
        "those are ours: no schema has them"
    )
    table = parquet.read_table(file)
    at = table.schema.get_field_index("determination:method")
    guessed = table.set_column(at, table.field(at), pa.array(["guessed"] * table.num_rows))
    parquet.write_table(guessed, tmp_path / "wrong.parquet")
    said = told(python, _VALIDATE, str(tmp_path / "wrong.parquet"), schemas, folder=tmp_path)
    assert "determination:method" in said["errors"][0]


@pytest.mark.parametrize("manner", ["rows", "one_pass"])
def test_instructions_are_loaded_by_the_library_of_data_sets(python, pictured, tmp_path, manner) -> None:
    folder = unpacked(made(pictured, ExportKind.INSTRUCTION, manner=manner), tmp_path / "out")
    sides = told(python, _LOAD, str(folder), folder=tmp_path)
    rows = [row for side in sides.values() for row in side]
    assert {row["key"] for row in rows} == {p.quadkey for p in pictured.patches.filter(state="approved")}
    assert all(row["images"] and row["answer"] for row in rows)
