"""The round report: one HTML file that needs no network, and the status document for scripts."""

from mgrd.report.inputs import ReportInputs
from mgrd.report.page import build_report
from mgrd.report.write import write_report

__all__ = ["ReportInputs", "build_report", "write_report"]
