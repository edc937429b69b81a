"""results in -> text, drawings and the fields of JSON out; nothing is printed here."""

from bpcli.show.characters import draw_figure
from bpcli.show.chart.runs import curve_svg
from bpcli.show.data import contents_fields, draw_contents
from bpcli.show.evaluation import (
    doubt_brightness,
    draw_evaluation,
    draw_mistakes,
    evaluation_csv,
    evaluation_fields,
    evaluation_html,
)
from bpcli.show.figure import entitle, graph_figure, network_figure
from bpcli.show.foreign import draw_file_check, draw_units, file_check_fields
from bpcli.show.gradcheck import check_fields, check_html, draw_check
from bpcli.show.graph import graph_fields, network_fields
from bpcli.show.info import draw_info, info_fields
from bpcli.show.marks import draw_marks, mark_fields, marks_csv
from bpcli.show.picture import draw_picture
from bpcli.show.prediction import (
    answer_fields,
    answers_csv,
    draw_prediction,
    draw_seen,
    prediction_fields,
    prediction_html,
)
from bpcli.show.record import describe_difference, draw_end, draw_progress, draw_record, end_fields
from bpcli.show.side_by_side import (
    comparison_csv,
    comparison_fields,
    comparison_html,
    draw_comparison,
    draw_history,
)
from bpcli.show.sparkline import BLOCKS, draw_losses
from bpcli.show.svg import figure_svg, graph_svg, network_svg
from bpcli.show.table import lines_html, table_html

__all__ = [
    "BLOCKS",
    "answer_fields",
    "answers_csv",
    "check_fields",
    "check_html",
    "comparison_csv",
    "comparison_fields",
    "comparison_html",
    "contents_fields",
    "curve_svg",
    "describe_difference",
    "doubt_brightness",
    "draw_check",
    "draw_comparison",
    "draw_contents",
    "draw_end",
    "draw_evaluation",
    "draw_figure",
    "draw_file_check",
    "draw_history",
    "draw_info",
    "draw_losses",
    "draw_marks",
    "draw_mistakes",
    "draw_picture",
    "draw_prediction",
    "draw_progress",
    "draw_record",
    "draw_seen",
    "draw_units",
    "end_fields",
    "entitle",
    "evaluation_csv",
    "evaluation_fields",
    "evaluation_html",
    "figure_svg",
    "file_check_fields",
    "graph_fields",
    "graph_figure",
    "graph_svg",
    "info_fields",
    "lines_html",
    "mark_fields",
    "marks_csv",
    "network_fields",
    "network_figure",
    "network_svg",
    "prediction_fields",
    "prediction_html",
    "table_html",
]
