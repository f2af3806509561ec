"""`Table`, the value that prints as text, shows in a notebook and exports."""

import csv
import io
import json

import pytest

from tests.results.test_comparison_table import three
from tests.results.test_tables import SUMMARIES
from tuner.core.errors import InvalidRequest
from tuner.results.tables.table import FORMATS, Table

SEARCHES = Table(tuple(SUMMARIES))
BOTH = Table(tuple(SUMMARIES), (three(),))


def test_it_prints_as_text_and_text_has_searches_first():
    assert str(BOTH) == BOTH.to_text()
    assert str(BOTH) == f"{SEARCHES}\n\n{Table(comparisons=(three(),))}"


def test_json_has_a_key_for_each_kind_that_there_is():
    assert list(json.loads(BOTH.to_json())) == ["studies", "comparisons"]
    assert list(json.loads(SEARCHES.to_json())) == ["studies"]
    assert list(json.loads(Table(comparisons=(three(),)).to_json())) == ["comparisons"]
    assert json.loads(Table().to_json()) == {"studies": []}


@pytest.mark.parametrize("table", [SEARCHES, Table(comparisons=(three(seconds=5.0),))])
def test_a_data_frame_has_the_rows_and_the_columns_of_the_csv(table):
    frame = table.to_dataframe()
    header, *rows = csv.reader(io.StringIO(table.to_csv()))
    assert list(frame.columns) == header
    assert len(frame) == len(rows)
    number = "tuned" if table.searches else "by_steps_loss"
    assert frame[number].dropna().tolist() == [
        float(row[header.index(number)]) for row in rows if row[header.index(number)]
    ]


@pytest.mark.parametrize("method", [Table.to_csv, Table.to_dataframe])
def test_searches_and_comparisons_have_other_columns_and_are_refused_together(method):
    with pytest.raises(InvalidRequest, match="csv has the columns of searches or those of comparisons") as raised:
        method(BOTH)
    assert raised.value.field == "format"


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_by_name_is_that_of_its_method(format):
    assert SEARCHES.to_format(format) == getattr(SEARCHES, f"to_{format}")()


def test_a_notebook_shows_every_table_with_its_heading_legend_and_remarks():
    html = BOTH._repr_html_()
    assert html.count("<table") == sum(len(section.tables) for section in BOTH.sections())
    assert html.count("<h4>") == 2
    assert "<strong>1.25 ± 0.17</strong>" in html
    assert "Provenance: rosenbrock" in html
    assert "no studies" in Table()._repr_html_()
