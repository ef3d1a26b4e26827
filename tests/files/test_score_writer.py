from __future__ import annotations

import io

from stream_rcf.core.reasons import Reason
from stream_rcf.files.score_writer import HEADER, ScoreWriter
from tests.files.support import bad_row, cells, good_row, results


def test_the_header_begins_with_what_the_contract_promises() -> None:
    stream = io.StringIO()
    ScoreWriter(stream)
    promised = "key,timestamp,anomaly_score,threshold,anomaly_grade,is_anomaly,confidence"
    added = "anomaly_likelihood,reason"
    assert stream.getvalue() == f"{promised},{added}\n" == ",".join(HEADER) + "\n"


def test_each_row_has_a_line_in_order_and_results_skip_bad_ones() -> None:
    stream = io.StringIO()
    writer = ScoreWriter(stream)
    rows = [good_row("a", 5, 1.0), bad_row("b", 6), bad_row(), good_row("a,b", None, 2.0)]
    scored = results([0.0, 0.5], scores=[1e-7, 2.0])
    scored.reason[0] = Reason.WARMING_UP
    writer.write(rows, scored)
    assert stream.getvalue().split("\n", 1)[1] == (
        "a,5,1e-7,1.25,0.0,false,0.5,0.25,warming_up\n"
        'b,6,,,,,,,"invalid_json: it is broken, badly"\n'
        ',,,,,,,,"invalid_json: it is broken, badly"\n'
        '"a,b",,2.0,1.25,0.5,true,0.5,0.25,\n'
    )


def test_a_key_with_line_ends_stays_one_row() -> None:
    stream = io.StringIO()
    ScoreWriter(stream).write([good_row('a\n"b"', 5, 1.0)], results([0.0]))
    assert cells(stream.getvalue())[0][0] == 'a\n"b"'


def test_counts_are_summed_over_batches() -> None:
    writer = ScoreWriter(io.StringIO())
    assert writer.summary(0) == "0 rows, 0 keys, 0 anomalies"
    writer.write([good_row("a", 5, 1.0)], results([0.5]))
    assert writer.summary(1) == "1 row, 1 key, 1 anomaly"
    writer.write([bad_row(), good_row("a", 5, 1.0), bad_row()], results([0.0]))
    assert writer.summary(1) == "4 rows, 1 key, 1 anomaly, 2 not scored (invalid_json 2)"
