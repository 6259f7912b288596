"""The quality report as JSON and as CSV, one row of figures for each table's line."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.http import HttpResponse

from annotator.api.csv_answers import harmless
from annotator.domain.quality_report import Agreement, QualityReport
from annotator.queries.spot_checks import by_week

Row = dict[str, Any]


def _agreement(one: Agreement) -> Row:
    return {
        "patches": one.patches,
        "miou": one.miou,
        "boundary_f1": one.boundary_f1,
        "alpha": one.alpha,
    }


def _months(report: QualityReport) -> list[Row]:
    return [
        {
            "beside": purpose,
            "month": f"{month:%Y-%m}",
            **_agreement(one),
            "class_alphas": " ".join(
                f"{name}={'' if alpha is None else format(alpha, '.4f')}"
                for name, alpha in one.class_alphas.items()
            ),
        }
        for purpose, month, one in report.by_month
    ]


def _people(report: QualityReport) -> list[Row]:
    return [
        {
            "annotator": name,
            "beside": purpose,
            **_agreement(one),
        }
        for name, found in report.by_person.items()
        for purpose, one in found.items()
    ]


def _spots(report: QualityReport) -> list[Row]:
    return [asdict(one) for one in report.spots]


def _spot_weeks(report: QualityReport) -> list[Row]:
    """``week`` is the Monday; ``passed_share`` is of those that were looked at, empty before the first."""
    weeks = by_week(report.spots)
    return [
        {"week": row.pop("day")} | row | {"passed_share": one.passed_share}
        for one in weeks
        for row in [asdict(one)]
    ]


def _corrections(report: QualityReport) -> list[Row]:
    return [asdict(cost) for cost in report.costs]


TABLES: dict[str, tuple[tuple[str, ...], Callable[[QualityReport], list[Row]]]] = {
    "months": (("beside", "month", "patches", "miou", "boundary_f1", "alpha", "class_alphas"), _months),
    "people": (("annotator", "beside", "patches", "miou", "boundary_f1", "alpha"), _people),
    "corrections": (
        ("version", "is_hidden", "is_audit", "patches", "measured", "miou", "miou_deviation", "seconds", "strokes",
         "pixels_changed"),
        _corrections,
    ),
    "spot-checks": (("day", "annotator", "submitted", "drawn", "passed", "returned", "fixed", "open"), _spots),
    "spot-weeks": (
        ("week", "annotator", "submitted", "drawn", "passed", "returned", "fixed", "open", "passed_share"),
        _spot_weeks,
    ),
}  # fmt: skip


def quality_csv(report: QualityReport, table: str, filename: str) -> HttpResponse:
    """One of `TABLES` as CSV."""
    columns, rows_of = TABLES[table]
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
    writer = csv.DictWriter(response, columns)
    writer.writeheader()
    writer.writerows({name: harmless(value) for name, value in row.items()} for row in rows_of(report))
    return response


def quality_document(report: QualityReport) -> Row:
    """Everything; ``class_alphas`` by class name."""
    return {
        "between_annotators": asdict(report.between) if report.between else None,
        "against_gold": asdict(report.gold) if report.gold else None,
        "months": [
            {"beside": purpose, "month": f"{month:%Y-%m}", **asdict(one)}
            for purpose, month, one in report.by_month
        ],
        "people": _people(report),
        "corrections": _corrections(report),
        "doubles": report.doubles,
        "spot_checks": _spots(report),
        "spot_check_weeks": _spot_weeks(report),
        "anchoring": report.anchoring,
        "stop_signal": report.stop_signal,
    }
