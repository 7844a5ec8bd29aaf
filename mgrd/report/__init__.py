"""The round report: one HTML file that needs no network, and the status document for scripts."""

from mgrd.report.document import report_document
from mgrd.report.inputs import ReportInputs
from mgrd.report.page import build_report
from mgrd.report.write import read_inputs, write_report

__all__ = ["ReportInputs", "build_report", "read_inputs", "report_document", "write_report"]
