"""``milpa-ml``: the method on files, without the web application.

``milpa-ml segment image.tif --out mask.tif`` writes the mask of any georeferenced image of three or more bands,
``milpa-ml finetune FOLDER`` does a LoRA round, on one process or on many.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from mlservice.contracts import (
    PATCH_SIZE_PX,
    UNSURE,
    Legend,
    ModelRef,
    PatchWindow,
    SegmentRequest,
    StepReport,
)
from mlservice.errors import BadImage, MethodError
from mlservice.geotiff import Place, RasterOut, SceneFile, opened_scene
from mlservice.landscape import LANDSCAPE_LEGEND
from mlservice.legend_file import read_legend
from mlservice.round_folder import read_round, write_round_report
from mlservice.starter import starter_model
from mlservice.token_grid import CELL_PX

MARGIN_PX = 32
"""How much of a context image's rim is seen and not used: answers there lack one side of their surroundings."""
STRIDE_PX = PATCH_SIZE_PX - 2 * MARGIN_PX
FAILED, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; 0, or 2 after an error told in one line, or 130 when interrupted."""
    given = _parser().parse_args(arguments)
    before = signal.signal(signal.SIGTERM, _interrupted)
    try:
        given.run(given)
    except (MethodError, OSError) as error:
        message = " ".join(str(error).split())
        print(f"milpa-ml: {message}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"milpa-ml: interrupted; {given.left_behind}.", file=sys.stderr)
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="milpa-ml", description="Map farmland in satellite imagery.")
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("segment", help="write the mask of an image", description=_segment.__doc__)
    command.set_defaults(run=_segment, left_behind="nothing was written")
    command.add_argument("image", type=Path, help="any georeferenced raster of at least three bands")
    command.add_argument("--out", type=Path, required=True, help="where the mask goes, a GeoTIFF")
    command.add_argument("--entropy", type=Path, help="where the entropy map goes, in nats, one value a cell")
    command.add_argument("--model", help="folder or hub name of a model (default: the starter)")
    command.add_argument("--adapter", type=Path, help="folder of an adapter for the model")
    command.add_argument("--temperature", type=float, help="calibration (default: the model's own, or 1)")
    command.add_argument("--legend", type=Path, help="classes as JSON (default: those of the starter)")
    command.add_argument(
        "--bands",
        type=int,
        nargs=3,
        default=(1, 2, 3),
        metavar=("RED", "GREEN", "BLUE"),
        help="default 1 2 3",
    )
    command.add_argument(
        "--window", type=int, nargs=4, metavar=("ROW", "COL", "ROWS", "COLS"), help="a part, in pixels"
    )
    command = commands.add_parser("finetune", help="train an adapter", description=_finetune.__doc__)
    command.set_defaults(run=_finetune, left_behind="the same command goes on from the last checkpoint")
    command.add_argument(
        "folder", type=Path, help="a round: legend.json, training/ and what it may have beside"
    )
    return parser


def _finetune(given: argparse.Namespace) -> None:
    """Do the LoRA round of a folder and leave its adapter and its report there.

    Under “accelerate launch” several processes share it, each on an accelerator of its own. An interrupted
    round goes on from its last checkpoint when it is started again.
    """
    spec = read_round(given.folder)
    from mlservice.finetune import finetune  # torch loads only once the folder is known to be sound
    from mlservice.parallel import is_main

    report = finetune(spec, _tell_step)
    if is_main():
        print(f"{spec.out_dir}, {write_round_report(given.folder, report)}")


def _tell_step(report: StepReport) -> None:
    checked = report.validation
    more = f", validation loss {checked.loss:.4f}, mIoU {checked.miou:.3f}" if checked else ""
    print(f"step {report.step} of {report.steps}: loss {report.loss:.4f}{more}", file=sys.stderr, flush=True)


def _segment(given: argparse.Namespace) -> None:
    """Write the mask of an image, with the legend's colours, in the image's own projection.

    Values other than 8-bit ones are stretched between the 2nd and the 98th percentile. 255 is where nothing is
    known: no data, or no answer.
    """
    legend = read_legend(given.legend) if given.legend else LANDSCAPE_LEGEND
    for path in (given.out, given.entropy):
        _check_output(path, given.image)
    model = _model(given)
    with opened_scene(given.image, given.bands) as scene, ExitStack() as stack:
        place = _asked_place(scene, given.window)
        outputs = [RasterOut(given.out, scene, place, "uint8", 1)]
        stack.callback(outputs[0].discard)
        outputs[0].begin()
        outputs[0].describe("class", legend)
        if given.entropy is not None:
            outputs.append(RasterOut(given.entropy, scene, place, "float32", CELL_PX))
            stack.callback(outputs[1].discard)
            outputs[1].begin()
            outputs[1].describe("entropy in nats")
        _fill(scene, place, model, legend, *outputs)
        for output in outputs:
            output.prepare()
        for output in outputs:
            output.publish()


def _fill(
    scene: SceneFile,
    place: Place,
    model: ModelRef,
    legend: Legend,
    mask: RasterOut,
    entropy: RasterOut | None = None,
) -> None:
    """Answer for one context image after the other and write the middle of each."""
    from mlservice.segment import segment  # torch loads only once the files are known to be sound

    steps = list(_steps(place))
    kept = slice(MARGIN_PX, MARGIN_PX + STRIDE_PX)
    kept_cells = slice(kept.start // CELL_PX, kept.stop // CELL_PX)
    for done, (row, col) in enumerate(steps):
        _tell(done, len(steps))
        at = Place(place.row + row - MARGIN_PX, place.col + col - MARGIN_PX, PATCH_SIZE_PX, PATCH_SIZE_PX)
        image, valid = scene.read(at)
        if valid[kept, kept].any():
            request = SegmentRequest(model, legend, image, (PatchWindow(f"{row} {col}"),), valid)
            (answer,) = segment(request).patches
            said, unsureness = answer.mask.copy(), answer.entropy_nats.copy()
            said[~valid] = UNSURE
            unsureness[~_any_in_cell(valid)] = np.nan
        else:
            said = np.full(image.shape[:2], UNSURE, np.uint8)
            unsureness = np.full([side // CELL_PX for side in image.shape[:2]], np.nan, np.float32)
        mask.write(said[kept, kept], row, col)
        if entropy is not None:
            entropy.write(unsureness[kept_cells, kept_cells], row // CELL_PX, col // CELL_PX)
    _tell(len(steps), len(steps))


def _steps(place: Place) -> Iterator[tuple[int, int]]:
    """Upper left corners of what each context image is kept for, counted from the place's own corner."""
    for row in range(0, place.rows, STRIDE_PX):
        for col in range(0, place.cols, STRIDE_PX):
            yield row, col


def _any_in_cell(valid: Any) -> Any:
    rows, cols = (side // CELL_PX for side in valid.shape)
    return valid.reshape(rows, CELL_PX, cols, CELL_PX).any((1, 3))


def _tell(done: int, of: int) -> None:
    """How far it is: rewritten in place on a terminal, else a line for each tenth."""
    if sys.stderr.isatty():
        print(f"\r{done} of {of} context images", end="\n" if done == of else "", file=sys.stderr, flush=True)
    elif done in (0, of) or 10 * done // of > 10 * (done - 1) // of:
        print(f"{done} of {of} context images", file=sys.stderr, flush=True)


def _model(given: argparse.Namespace) -> ModelRef:
    if given.temperature is not None and not given.temperature > 0:
        raise MethodError(f"The temperature must be above 0, got {given.temperature:g}.")
    base = starter_model() if given.model is None else ModelRef(given.model)
    temperature = base.temperature if given.temperature is None else given.temperature
    return ModelRef(base.base, given.adapter, temperature)


def _asked_place(scene: SceneFile, window: Sequence[int] | None) -> Place:
    if window is None:
        return scene.whole
    row, col, rows, cols = window
    fits = row >= 0 and col >= 0 and rows > 0 and cols > 0
    if not fits or row + rows > scene.whole.rows or col + cols > scene.whole.cols:
        raise BadImage(
            f"The window {row} {col} {rows} {cols} is not inside the image of {scene.whole.rows} rows and "
            f"{scene.whole.cols} columns."
        )
    return Place(row, col, rows, cols)


def _check_output(path: Path | None, image: Path) -> None:
    if path is None:
        return
    if not path.parent.is_dir():
        raise MethodError(f"There is no folder “{path.parent}” to write “{path.name}” to.")
    if path.is_dir() or path.resolve() == image.resolve():
        raise MethodError(f"“{path}” cannot be written: it is a folder, or the image itself.")
