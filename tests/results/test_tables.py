"""The tuned table, the list of studies and the report of one, in every format."""

import csv
import io
import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.support.builders import LODO, MOMENTUM, fresh, run, search, spec, study
from tuner.core.study import StudyStatus
from tuner.core.trial import Role, Status
from tuner.results.analysis.doubling import Doubling
from tuner.results.analysis.landscape import Tolerance
from tuner.results.analysis.summary import Cost, summarise
from tuner.results.tables import latex
from tuner.results.tables.formats import strict_csv, strict_json
from tuner.results.tables.listing import render_studies
from tuner.results.tables.show import render_search
from tuner.results.tables.table import FORMATS, Table
from tuner.results.tables.text_table import TextTable

DIVERGED, FAILED, RUNNING = Status.DIVERGED, Status.FAILED, Status.RUNNING

ADAM_STUDY = study(notes=("generation 0: only 1 of 4 finished; the next mean is theirs",))
ADAM_RUNS = [
    *search(ADAM_STUDY.spec, (5.0, DIVERGED, DIVERGED, FAILED), (0.4, 0.1, 0.2, DIVERGED)),
    *fresh([1.0, 1.1, 1.2], [0.2, 0.25, 0.3]),  # 1.1 ± 0.1 and 0.25 ± 0.05, gains 0.8, 0.85 and 0.9
]
LODO_STUDY = study(
    spec(LODO),
    tuned=False,
    status=StudyStatus.INTERRUPTED,
    finished_at=None,
    owner="here:17",
    lease_left=-1.0,
    counts=dict.fromkeys(Status, 0) | {Status.FINISHED: 4, RUNNING: 2},
)
LODO_RUNS = search(LODO_STUDY.spec, (5.0, 6.0, 7.0, 8.0), (RUNNING, RUNNING))
MOMENTUM_STUDY = study(spec(MOMENTUM))
MOMENTUM_RUNS = [
    *search(MOMENTUM_STUDY.spec, (5.0, 6.0, 7.0, 8.0), (1.0, 2.0, 3.0, 4.0)),
    *fresh([DIVERGED, DIVERGED, 1.0], [0.5, 0.5, 0.5]),
]
ADAM, LODO_SUMMARY, MOMENTUM_SUMMARY = SUMMARIES = [
    summarise(ADAM_STUDY, ADAM_RUNS),
    summarise(LODO_STUDY, LODO_RUNS),
    summarise(MOMENTUM_STUDY, MOMENTUM_RUNS),
]

TEXT = """\
first: rosenbrock, 2 generations × 4 individuals, strategy paper, seed 0
objective  mean training loss over the last tenth of the budget, the lower the better
best       so far Adam: 0.250 ± 0.050 on 3 fresh seeds; next Momentum: 0.5000 (2 ×)
tuning     better than the defaults for 2 of 3 optimizers, by 77.3 %; not for LODO (not run)
certainty  the two best differ by 5 standard deviations over fresh seeds; one search of each
           optimizer (seed 0); another seed may find other values and another order
cost       4,402 gradient evaluations, 2,034 of them on fresh seeds; 16.0 s of training
lost       Adam 4 of 8 individuals

Hyperparameters
optimizer  hyperparameter         default        tuned
---------  ---------------------  -------  -  --------
Adam       learning_rate            0.001  →   0.01235
           beta_1                     0.9  →      0.75
           beta_2                   0.999  →  0.999877
LODO       initial_learning_rate        1  →         –
           meta_learning_rate       0.001  →         –
           momentum                   0.9  →         –
Momentum   learning_rate             0.01  →      0.05
           momentum                     0  →      0.85

Fitness after 200 gradient evaluations (lower is better); ± over 3 fresh seeds
optimizer      default  mean seen          tuned    gain  verdict
---------  -----------  ---------  -------------  ------  ----------------
Adam       1.10 ± 0.10     0.1500  0.250 ± 0.050  77.3 %  better
LODO                 –          –              –       –  not run
Momentum   1.000 (1/3)      1.500   0.5000 exact       –  default diverged

Individuals of the search by status; gradient evaluations and seconds of training
optimizer  finished  diverged  failed  timed out  total  search  fresh seeds  seconds
---------  --------  --------  ------  ---------  -----  ------  -----------  -------
Adam              4         3       1          0      8     768        1,200      7.0
LODO              4         0       0          0      8     400            0      2.0
Momentum          8         0       0          0      8   1,200          834      7.0

mean seen: the fitness that the search itself measured: the mean of the better half of the last
generation, whose average the tuned point is.
gain: default minus tuned, seed by seed on the 3 fresh seeds of both, in % of the default.
better or worse: the mean gain is above or below zero by more than twice its standard deviation.
exact: the same value on every fresh seed.
(k/n): the mean of k runs that finished, of n.

- Adam: generation 0: only 1 of 4 finished; the next mean is theirs
- LODO: interrupted, 4 of 8 individuals done; continue with lodo-tune resume first/LODO
- Momentum: the defaults diverged on 2 of 3 fresh seeds"""


KEYS = ["study", "run", "task", "optimizer", "status", "strategy", "seed", "generations", "population", "steps"]
KEYS += ["objective", "hyperparameters", "fitness", "best", "individuals", "cost", "notes", "next_steps"]


def render(summaries, format="text"):
    return Table(tuple(summaries)).to_format(format)


def no_constants(text):
    raise AssertionError(f"{text} is no JSON")


def strictly(text):
    return json.loads(text, parse_constant=no_constants)


def test_the_text_reads_like_this():
    assert render(SUMMARIES, "text").splitlines() == TEXT.splitlines()


def test_text_fits_a_terminal_of_100_columns_with_the_longest_optimizer_and_has_no_escapes():
    long = replace(ADAM, optimizer="Levenberg-Marquardt", notes=("\x1b[31mred\x1b[0m " + "words " * 60,))
    lines = render([long, *SUMMARIES]).splitlines()
    assert max(map(len, lines)) <= 100
    assert not any("\x1b" in line for line in lines)


def test_studies_whose_fitnesses_do_not_compare_stand_in_blocks_of_their_own():
    other = summarise(study(spec(MOMENTUM, run="second")), MOMENTUM_RUNS)
    text = render([ADAM, other, MOMENTUM_SUMMARY])
    assert text.index("first: rosenbrock") < text.index("second: rosenbrock")
    assert text.count("Hyperparameters") == 2
    assert "Momentum" in text[: text.index("second: rosenbrock")]  # the first run's, although it was given last


def test_an_interrupted_study_says_how_many_of_its_fresh_runs_are_done():
    interrupted = replace(MOMENTUM_STUDY, status=StudyStatus.INTERRUPTED)
    text = render([summarise(interrupted, MOMENTUM_RUNS[:-2])])
    assert "Momentum: interrupted, 8 of 8 individuals and 4 of 6 fresh runs done; continue with" in text


def test_a_running_study_is_not_offered_for_resumption():
    text = render([replace(LODO_SUMMARY, status=StudyStatus.RUNNING)])
    assert "LODO: running, 4 of 8 individuals done" in text
    assert "resume" not in text


def test_a_point_that_diverged_on_every_seed_has_the_word_in_place_of_a_number():
    runs = [*MOMENTUM_RUNS[:8], *fresh([DIVERGED] * 3, [DIVERGED, FAILED, FAILED])]
    (line,) = [line for line in render([summarise(MOMENTUM_STUDY, runs)]).splitlines() if "1.500" in line]
    assert line.split() == ["Momentum", "diverged", "1.500", "diverged", "–", "both", "diverged"]


def test_a_point_that_timed_out_on_every_seed_is_not_called_failed():
    runs = [*MOMENTUM_RUNS[:8], *fresh([Status.TIMED_OUT] * 3, [Status.TIMED_OUT, FAILED, FAILED])]
    (line,) = [line for line in render([summarise(MOMENTUM_STUDY, runs)]).splitlines() if "1.500" in line]
    assert line.split() == ["Momentum", "timed", "out", "1.500", "failed", "–", "too", "few", "seeds"]


def test_markdown_has_the_same_cells_and_repeats_the_optimizer_in_every_row():
    text = render(SUMMARIES, "markdown")
    assert "| Adam | beta_2 | 0.999 | → | 0.999877 |" in text
    assert "| Momentum | 1.000 (1/3) | 1.500 | 0.5000 exact | – | default diverged |" in text
    assert "- LODO: interrupted, 4 of 8 individuals done; continue with lodo-tune resume first/LODO" in text


def test_a_cell_cannot_break_a_markdown_table():
    table = TextTable(["a", "b"], [["x|y", "<b>`*[link](z)"]])
    assert table.markdown().splitlines()[-1] == r"| x\|y | \<b>\`\*\[link](z) |"


def test_latex_has_the_same_cells_and_says_in_comments_what_the_text_says_below():
    text = render(SUMMARIES, "latex")
    assert r"     & beta\_2 & 0.999 & $\to$ & 0.999877 \\" in text
    assert r"Momentum & 1.000 (1/3) & 1.500 & 0.5000 exact & -- & default diverged \\" in text
    assert "% LODO: interrupted, 4 of 8 individuals done; continue with lodo-tune resume first/LODO" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 3 * text.count("% needs")


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("7.95e-6", r"$7.95 \times 10^{-6}$"),
        ("7.95e-6 ± 2e-7", r"$(7.95 \pm 0.2) \times 10^{-6}$"),
        ("8.2e-5 ± 4.9e-5", r"$(8.2 \pm 4.9) \times 10^{-5}$"),
        ("-0.00385 ± 9.2e-5", r"$-$0.00385 $\pm$ $9.2 \times 10^{-5}$"),
        ("1 - 1.11e-16", r"1 - $1.11 \times 10^{-16}$"),
        ("noise-2", "noise-2"),
        (r"a_b & 50% #1 {x} $", r"a\_b \& 50\% \#1 \{x\} \$"),
        (r"~ ^ \\", r"\textasciitilde{} \textasciicircum{} \textbackslash{}\textbackslash{}"),
    ],
)  # fmt: skip
def test_a_cell_cannot_break_a_latex_table(cell, shown):
    assert latex.text(cell) == shown


def test_json_is_strict_with_full_precision_and_null_for_what_is_not_finite():
    infinite = replace(ADAM, default=replace(ADAM.default, mean=math.inf, spread=math.nan))
    adam, lodo, _ = strictly(render([infinite, *SUMMARIES[1:]], "json"))["studies"]
    assert adam["hyperparameters"][2] == {
        "name": "beta_2",
        "scale": "decay",
        "belongs_to": "optimizer",
        "default": 0.999,
        "tuned": 0.99987654,
        "distance": pytest.approx(math.log(0.00012346 / 0.001) / 3, rel=1e-6),  # in units of the first sigma, 3
        "bound": None,
        "is_bound_given": None,
    }
    assert (adam["fitness"]["default"]["mean"], adam["fitness"]["default"]["spread"]) == (None, None)
    assert adam["fitness"]["gain"] == {
        "mean": pytest.approx(0.85, rel=1e-12),
        "spread": pytest.approx(0.05, rel=1e-12),
        "relative": {"value": pytest.approx(0.85 / 1.1, rel=1e-12), "low": None, "high": None},
        "margin": None,
    }
    assert adam["fitness"]["verdict"] == "better"
    assert lodo["hyperparameters"][0]["tuned"] is None
    assert lodo["individuals"] == {"finished": 4, "diverged": 0, "failed": 0, "timed_out": 0, "total": 8, "pruned": 0}


def test_json_says_all_of_the_summary_under_keys_that_others_script_against():
    (adam,) = strictly(render([ADAM], "json"))["studies"]
    assert list(adam) == KEYS
    assert adam["fitness"]["tuned"] == {
        "mean": 0.25,
        "spread": pytest.approx(0.05, rel=1e-12),
        "finished": 3,
        "diverged": 0,
        "failed": 0,
        "timed_out": 0,
        "seeds": 3,
        "missed": 0,
        "is_exact": False,
    }
    assert adam["cost"] == {
        "search": {"evaluations": 768, "seconds": 4.0},  # 100 + 3 * 17 and 3 * 200 + 17, 8 runs of 0.5 s
        "diverged": {"evaluations": 51, "seconds": 1.5},  # three of the four that did not finish
        "failed": {"evaluations": 17, "seconds": 0.5},
        "timed_out": {"evaluations": 0, "seconds": 0.0},
        "pruned": {"evaluations": 0, "seconds": 0.0},
        "saved_evaluations": 0,
        "fresh_seeds": {"evaluations": 1200, "seconds": 3.0},
    }
    assert adam["best"]["fitness"] == 0.1


def test_with_details_there_are_places_tolerances_and_what_the_budget_went_into():
    rate, beta_1, beta_2 = ADAM.hyperparameters
    rows = (
        replace(rate, tuned=0.01, distance=-2.4, tolerance=Tolerance(0.008, 0.0125)),
        replace(beta_1, tuned=0.0, bound="low", distance=0.5, tolerance=Tolerance(0.0, None, "why")),
        replace(beta_2, bound="high", is_bound_given=True, tolerance=Tolerance(None, None, "why")),
    )
    costs = {"search_cost": Cost(1000, 9.0), "diverged_cost": Cost(250, 1.0), "failed_cost": Cost(50, 1.0)}
    text = render([replace(ADAM, hyperparameters=rows, **costs)], "text")
    cells = [line.split("  ") for line in text.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in cells]
    assert ["Adam", "learning_rate", "0.01", "-2.4 σ", "beyond 2 σ", "0.008 to 0.0125", "× 0.8 to × 1.25"] in cells
    assert ["beta_1", "0", "+0.5 σ", "low limit of the scale", "0 to ?", "–"] in cells
    assert ["high bound", "not determined", "–"] in [line[3:] for line in cells]
    assert ["Adam", "700 (70.0%)", "250 (25.0%)", "50 (5.0%)", "0", "1,000"] in cells
    assert "- Adam: tolerance of beta_1, beta_2: why" in text.splitlines()
    doubled = render([replace(ADAM, hyperparameters=rows, doubling=Doubling(40, 80, 0.0123456))], "text")
    assert "Adam: from 40 to 80 candidates the best became better by 0.012 on average; 80 more" in " ".join(
        doubled.split()
    )
    assert "tolerance" not in render([ADAM], "text")


def test_csv_has_a_row_a_hyperparameter_with_every_number_in_a_cell_of_its_own():
    rows = list(csv.DictReader(io.StringIO(render(SUMMARIES, "csv"))))
    assert [(row["optimizer"], row["hyperparameter"]) for row in rows][2:5] == [
        ("Adam", "beta_2"),
        ("LODO", "initial_learning_rate"),
        ("LODO", "meta_learning_rate"),
    ]
    assert float(rows[2]["tuned"]) == 0.99987654
    assert float(rows[2]["gain"]) == pytest.approx(0.85, rel=1e-12)
    assert (rows[3]["tuned"], rows[3]["tuned_fitness"], rows[3]["gain"], rows[3]["verdict"]) == ("", "", "", "not run")
    assert (rows[6]["default_fitness"], rows[6]["default_diverged"], rows[6]["individuals"]) == ("1.0", "2", "8")


@pytest.mark.parametrize("text", ["=1+1", "+x", "-1-1", "@SUM(A1)", "-inf", "-1_0", "\t=1"])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(text):
    ((cell,),) = list(csv.reader(io.StringIO(strict_csv(["a"], [[text]]))))[1:]
    assert cell == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [(-0.5, "-0.5"), ("-1e-5", "-1e-5"), ("+.5", "+.5"), (math.inf, ""), (math.nan, ""), (None, ""), ("a=b", "a=b")],
)
def test_a_number_and_a_plain_text_stay_as_they_are_in_csv_and_what_is_not_finite_is_empty(value, cell):
    assert strict_csv(["a", "b"], [[value, "x"]]) == f"a,b\n{cell},x"


def test_strict_json_reaches_into_every_nested_value():
    assert strictly(strict_json({"a": [math.nan, (1, -math.inf)], "b": {"c": math.inf}})) == {
        "a": [None, [1, None]],
        "b": {"c": None},
    }


@pytest.mark.parametrize(
    "call",
    [
        lambda name: render(SUMMARIES, name),
        lambda name: render_studies([ADAM_STUDY], name),
        lambda name: render_search(ADAM_STUDY, ADAM_RUNS, name),
    ],
)
def test_an_unknown_format_is_refused_with_the_nearest_name_and_those_there_are(call):
    with pytest.raises(ValueError, match=r"did you mean 'json'\?.*Accepted: text, .*json.*Received: 'jsn'"):
        call("jsn")


@pytest.mark.parametrize("name", FORMATS)
def test_no_study_at_all_has_a_table_in_every_format(name):
    text = render([], name)
    assert {"text": "no studies", "markdown": "no studies", "json": '{\n  "studies": []\n}'}.get(name, text) == text
    assert not text.endswith("\n")


def test_the_list_of_studies_reads_like_this():
    best = {summary.study: summary.best for summary in SUMMARIES[:2]}
    assert render_studies([ADAM_STUDY, LODO_STUDY, MOMENTUM_STUDY], "text", best).splitlines() == [
        "study           task        status       done          best  created (UTC)     driver",
        "--------------  ----------  -----------  ----  ------------  ----------------  --------------",
        "first/Adam      rosenbrock  complete      8/8  0.1000 (g01)  2026-11-24 19:20",
        "first/LODO      rosenbrock  interrupted   4/8   5.000 (g00)  2026-11-24 19:20  here:17 (lost)",
        "first/Momentum  rosenbrock  complete      8/8             –  2026-11-24 19:20",
    ]


def test_the_list_of_studies_as_json_has_what_is_known_and_null_for_the_rest():
    adam, lodo = strictly(render_studies([ADAM_STUDY, LODO_STUDY], "json", {"first/Adam": ADAM.best}))["studies"]
    assert adam["best"] == {"generation": 1, "slot": 1, "steps": 200, "fitness": 0.1}
    assert (lodo["best"], lodo["done"], lodo["total"], lodo["owner"], lodo["lease_left"]) == (None, 4, 8, "here:17", -1)


def test_an_empty_list_says_so():
    assert render_studies([]) == "no studies"
    assert strictly(render_studies([], "json")) == {"studies": []}


def test_the_report_of_a_study_shows_what_was_asked_what_it_ran_on_and_what_came_of_it():
    of = replace(ADAM_STUDY.spec, hardware={"node": "here", "cores": 2})
    of = replace(of, workload=replace(of.workload, options={"batch_size": 32}, data={"name": "mnist", "sha256": "0f"}))
    text = render_search(replace(ADAM_STUDY, spec=of), ADAM_RUNS)
    for line in (
        "  task       rosenbrock (batch_size 32)",
        "  status     complete, 8 of 8 individuals done",
        "  objective  mean training loss over the last tenth of the budget, the lower the better",
        "  seeds      0 for the study, 3 fresh seeds",
        "  data       name mnist, sha256 0f",
        "  versions   lodo-tune 0.1.0, tensorflow 2.21.0",
        "  hardware   node here, cores 2",
        "  tuned      learning_rate 0.01235, beta_1 0.75, beta_2 0.999877",
        "         0     100    3         1         2       1          0     0   5.000   5.000",
        "         1     200  1.5         3         1       0          0     0  0.1000  0.2000",
        "- 3 diverged: no reason recorded (g00/s01, g00/s02, g01/s03)",
        "- generation 0: only 1 of 4 finished; the next mean is theirs",
    ):
        assert line in text.splitlines()


def test_a_large_group_of_failures_names_a_few_places_and_how_many_more():
    runs = [run(Role.SEARCH, 0, slot, DIVERGED, reason=f"loss was nan at evaluation {slot}") for slot in range(4)]
    runs += [run(Role.TUNED, 0, 0, DIVERGED, reason="loss was nan at evaluation 99")]
    text = render_search(LODO_STUDY, runs)
    assert (
        "- 5 diverged: loss was nan at evaluation … (g00/s00, g00/s01, g00/s02, g00/s03 and 1 more)"
        in text.splitlines()
    )


def test_the_report_as_json_is_strict_and_has_the_schedule_the_failures_and_the_provenance():
    report = strictly(render_search(ADAM_STUDY, ADAM_RUNS, "json"))
    assert report["schedule"][0] == {
        "generation": 0,
        "steps": 100,
        "sigma": 3.0,
        "finished": 1,
        "diverged": 2,
        "failed": 1,
        "timed_out": 0,
        "pruned": 0,
        "left": 0,
        "best": 5.0,
        "median": 5.0,
    }
    assert report["failures"][1]["runs"] == [{"role": "search", "generation": 0, "slot": 3}]
    assert report["versions"] == {"lodo-tune": "0.1.0", "tensorflow": "2.21.0"}
    assert report["search_space"] == ADAM_STUDY.spec.space


def test_the_report_of_a_study_that_was_only_created_is_possible():
    nothing = replace(LODO_STUDY, owner=None, lease_left=None, counts=dict.fromkeys(Status, 0))
    assert "  status     interrupted, 0 of 8 individuals done" in render_search(nothing, []).splitlines()
    assert strictly(render_search(nothing, [], "json"))["best"] is None


def test_a_grid_refuses_a_row_of_another_length():
    with pytest.raises(ValueError, match="a row must have 2 cells"):
        TextTable(["a", "b"], [["x"]])


def test_tables_load_neither_matplotlib_nor_yaml_nor_tensorflow_nor_ray_nor_a_database():
    code = (
        "import sys, tuner.results.tables.table, tuner.results.tables.listing, tuner.results.tables.show\n"
        "import tuner.results.exports, tuner.results.figures\n"
        "print([name for name in ('matplotlib', 'yaml', 'tensorflow', 'keras', 'ray', 'deap', 'sqlalchemy')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.strip() == "[]"


def test_a_task_of_the_user_s_own_is_headed_without_the_folders_of_its_file():
    of = spec(task="/home/me/tasks/mine.py:Mine")
    table = render([summarise(study(of), search(of, (1.0,) * 4, (1.0,) * 4))], "text")
    assert table.startswith("first: mine.py:Mine, 2 generations")
