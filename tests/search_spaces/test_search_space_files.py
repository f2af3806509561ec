"""Search-space files: what ships, what is read, and what is refused with file, line and key."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search_spaces import build, builtin_names, loader, strict_yaml, variant_names
from search_spaces.loader import SearchSpaceError, builtin, load
from search_spaces.scales import SCALES
from search_spaces.space import Dimension, Scale, SearchSpace

Write = Callable[[str | bytes], Path]

GOOD = """\
optimizer: Adam
hyperparameters:
  learning_rate: {scale: log, default: 1e-3, low: 1e-6, high: 10}
  beta_1:
    scale: decay
    default: 0.9
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "mine.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# What ships

PUBLISHED = {  # the paper's optimizers with each hyperparameter's scale and default
    "adam": {"learning_rate": ("log", 0.001), "beta_1": ("decay", 0.9), "beta_2": ("decay", 0.999)},
    "momentum": {"learning_rate": ("log", 0.01), "momentum": ("decay", 0.0)},
    "rmsprop": {"learning_rate": ("log", 0.001), "rho": ("decay", 0.9), "momentum": ("decay", 0.0)},
    "yogi": {"learning_rate": ("log", 0.001), "beta_1": ("decay", 0.9), "beta_2": ("decay", 0.999)},
    "lars": {"learning_rate": ("log", 0.001), "momentum": ("decay", 0.9), "weight_decay": ("log", 0.0005)},
    "l-bfgs": {"learning_rate": ("log", 0.001), "decay_steps": ("log", 1e4), "initial_scale": ("log", 1e-10)},
    "o-lbfgs": {"learning_rate": ("log", 0.001), "decay_steps": ("log", 1e4), "initial_scale": ("log", 1e-10)},
    "bfgs": {"learning_rate": ("log", 0.01), "initial_scale": ("log", 1.0)},
    "levenberg-marquardt": {"damping": ("log", 1.0)},
    **{
        name: {
            "initial_learning_rate": ("log", 1.0),
            "meta_learning_rate": ("log", 0.001),
            "momentum": ("decay", 0.9),
        }
        for name in ("lodo", "lodo-diagonal", "lodo-global", "lodo-residuals", "lodo-sgd")
    },
    "lodo-no-momentum": {"initial_learning_rate": ("log", 1.0), "meta_learning_rate": ("log", 0.001)},
}


def test_every_optimizer_of_the_paper_has_a_search_space() -> None:
    assert set(PUBLISHED) <= set(builtin_names())


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_shipped_space_has_the_papers_scales_and_defaults_and_searches_without_bounds(name: str) -> None:
    space = builtin(name)
    assert space.optimizer.lower() == name
    assert space == SearchSpace(
        space.optimizer, tuple(Dimension(key, Scale(scale), value) for key, (scale, value) in PUBLISHED[name].items())
    )


def test_rmsprop_as_published_differs_in_the_scale_of_rho_alone() -> None:
    assert variant_names() == ("as_published/rmsprop",)
    ours, published = builtin("RMSprop"), builtin("as_published/RMSprop")
    assert published.optimizer == ours.optimizer
    assert published.to_dict()["hyperparameters"] == {
        **ours.to_dict()["hyperparameters"],
        "rho": {"scale": "log", "default": 0.9},
    }
    assert published.decode([0.0, 1.0, 0.0])["rho"] == pytest.approx(2.718281828459045)  # beyond 1, as happened there


@pytest.mark.parametrize("name", ["LODO", "lodo", "Levenberg-Marquardt", "as_published/rmsprop"])
def test_a_shipped_space_is_found_whatever_the_case(name: str) -> None:
    assert builtin(name).optimizer.lower() == name.lower().removeprefix("as_published/")


@pytest.mark.parametrize(
    ("name", "near"), [("adm", "adam"), ("LODO-Diagnal", "lodo-diagonal"), ("../../secret", None), ("adam\n\0", "adam")]
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, near: str | None) -> None:
    with pytest.raises(SearchSpaceError) as caught:
        builtin(name)
    assert str(caught.value).isprintable()
    assert (f"did you mean {near!r}" in str(caught.value)) == (near is not None)


# What is read


@pytest.mark.parametrize("encoded", [GOOD.encode(), GOOD.encode("utf-8-sig"), GOOD.replace("\n", "\r\n").encode()])
def test_a_file_of_the_users_own_is_read(write: Write, encoded: bytes) -> None:
    assert load(write(encoded)) == SearchSpace(
        "Adam",
        (
            Dimension("learning_rate", Scale.LOG, 0.001, low=1e-6, high=10.0),
            Dimension("beta_1", Scale.DECAY, 0.9),
        ),
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e-3", 0.001), ("1E-3", 0.001), ("'1e-3'", 0.001), (".5", 0.5), ("1", 1.0), ("+2.", 2.0), ("010", 10.0)],
)
def test_a_number_is_what_python_takes_for_one_not_what_yaml_does(write: Write, text: str, number: float) -> None:
    # YAML 1.1 takes 1e-3 for text and 010 for 8
    path = write(f"optimizer: A\nhyperparameters:\n  x: {{scale: log, default: {text}}}\n")
    assert load(path).defaults() == {"x": number}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(default=st.floats(1e-300, 1e300), low=st.floats(1e-303, 1e-300), as_text=st.booleans())
def test_a_space_comes_back_from_its_own_layout_in_yaml(
    tmp_path: Path, default: float, low: float, as_text: bool
) -> None:
    space = SearchSpace("A", (Dimension("x", Scale.LOG, default, low=low), Dimension("y", Scale.DECAY, 0.5)))
    path = tmp_path / "space.yaml"
    path.write_text(yaml.safe_dump(space.to_dict(), sort_keys=False, default_flow_style=as_text))
    assert load(path) == space


def test_the_order_of_a_file_is_the_order_of_the_genome(write: Write) -> None:
    path = write("hyperparameters: {b: {default: 1, scale: log}, a: {scale: log, default: 2}}\noptimizer: A\n")
    assert load(path).names == ("b", "a")


# What is refused: text, the line named, the key named, a piece of what is said

HEAD = "optimizer: A\nhyperparameters:\n"
X = HEAD + "  x: {scale: log, default: 1.0}\n"


def entry(inside: str) -> str:
    """A file whose only hyperparameter, in line 3, says this."""
    return f"{HEAD}  x: {{{inside}}}\n"


REFUSED: dict[str, tuple[str | bytes, int | None, str, str]] = {
    # not YAML, or not of the part that is read
    "empty": ("", 1, "", "must have content"),
    "only a comment": ("# nothing\n", 1, "", "must have content"),
    "unclosed bracket": (HEAD + "  x: [\n", 4, "", "not YAML"),
    "unclosed quote": (HEAD + "  x: 'a\n", 4, "", "not YAML"),
    "tabs": ("optimizer: A\n\tb: c\n", 2, "", "not YAML"),
    "wrong indentation": ("optimizer: A\n   b: c\n", 2, "", "not YAML"),
    "a colon too many": ("optimizer: a: b\n", 1, "", "not YAML"),
    "a percent sign": ("%YAML\n---\n", 1, "", "not YAML"),
    "control character": (b"optimizer: A\x07\n", None, "", "not YAML"),
    "NUL": (b"optimizer: A\x00\n", None, "", "not YAML"),
    "latin-1": ("optimizer: A\nb: ä\n".encode("latin-1"), 2, "", "must be UTF-8. Received: byte 0xe4"),
    "UTF-16": (X.encode("utf-16"), 1, "", "must be UTF-8"),
    "an image": (b"\x89PNG\r\n\x1a\n" + bytes(64), 1, "", "must be UTF-8"),
    "two documents": (X + "---\n" + X, 4, "", "one document"),
    "a key twice": (X + "optimizer: B\n", 4, "", "Received twice: 'optimizer', first in line 1"),
    "a hyperparameter twice": (
        X + "  x: {scale: log, default: 2.0}\n",
        4,
        "hyperparameters",
        "twice: 'x', first in line 3",
    ),
    "a setting twice": (entry("scale: log, default: 1, default: 2"), 3, "hyperparameters.x", "twice: 'default'"),
    "an anchor": (HEAD + "  x: &a {scale: log, default: 1.0}\n", 3, "hyperparameters.x", "Received: '&a'"),
    "an alias": (HEAD + "  x: *a\n", 3, "hyperparameters.x", "Received: '*a'"),
    "an anchor on a key": (HEAD + "  &k x: {scale: log, default: 1.0}\n", 3, "hyperparameters", "Received: '&k'"),
    "a list that holds itself": ("&a [*a]\n", 1, "", "anchors and aliases are not read"),
    "a merge key": (HEAD + "  <<: {scale: log, default: 1.0}\n", 3, "hyperparameters", "name must be"),
    "a Python object": ("!!python/object/apply:os.system ['true']\n", 1, "", "tags are not read"),
    "a tagged number": (entry("scale: log, default: !!float 1"), 3, "hyperparameters.x.default", "tags are not read"),
    "a tag of one's own": (entry("scale: !x log, default: 1"), 3, "hyperparameters.x.scale", "Received: '!x'"),
    "a list as a key": ("[a, b]: c\n", 1, "", "a key must be text"),
    "a mapping as a key": ("? {a: b}\n: c\n", 1, "", "a key must be text"),
    "deep nesting": ("a: " + "[" * 21 + "]" * 21 + "\n", 1, "a", "nesting must be at most 20 deep"),
    "deep indentation": ("- " * 25 + "a\n", 1, "", "nesting must be at most 20 deep"),
    "too many values": ("[" + "1," * 20_000 + "1]\n", 1, "", "at most 10,000 values"),
    "too large": (b"#" * 1_000_001, None, "", "at most 1,000,000 bytes"),
    # not the layout
    "a word": ("adam\n", 1, "", "must be a mapping with optimizer and hyperparameters. Received: 'adam'"),
    "a list": ("- optimizer: A\n", 1, "", "must be a mapping with optimizer and hyperparameters"),
    "JSON null": ("null\n", 1, "", "must be a mapping"),
    "no optimizer": ("hyperparameters:\n  x: {scale: log, default: 1.0}\n", 1, "optimizer", "is missing"),
    "no hyperparameters": ("optimizer: A\n", 1, "hyperparameters", "is missing"),
    "hyperparameters empty": ("optimizer: A\nhyperparameters:\n", 2, "hyperparameters", "must be a mapping"),
    "hyperparameters {}": ("optimizer: A\nhyperparameters: {}\n", 2, "hyperparameters", "must be a mapping"),
    "hyperparameters a list": (HEAD + "  - x\n", 2, "hyperparameters", "must be a mapping"),
    "key misspelt": ("optimiser: A\n" + X[13:], 1, "optimiser", "unknown key (did you mean 'optimizer'?)"),
    "key of another tool": (X + "version: 2\n", 4, "version", "Accepted: optimizer, hyperparameters"),
    "optimizer a list": ("optimizer: [A]\n" + X[13:], 1, "optimizer", "must be an optimizer's name. Received: ['A']"),
    "optimizer a path": ("optimizer: ../A\n" + X[13:], 1, "optimizer", "optimizer must be a name"),
    "optimizer empty": ("optimizer:\n" + X[13:], 1, "optimizer", "Received: ''"),
    "optimizer a number": ("optimizer: 1.0\n" + X[13:], 1, "optimizer", "Received: '1.0'"),
    "a bare number": (HEAD + "  x: 1.0\n", 3, "hyperparameters.x", "must be a mapping with scale, default"),
    "a name with a space": (HEAD + "  x y: {scale: log, default: 1}\n", 3, "hyperparameters.x y", "name must be"),
    "a name with an upper case": (HEAD + "  Rho: {scale: log, default: 1}\n", 3, "hyperparameters.Rho", "name must be"),
    "a name of 1,000 letters": (
        f"{HEAD}  {'x' * 1000}: {{scale: log, default: 1}}\n",
        3,
        "hyperparameters.",
        "name must",
    ),
    "no scale": (entry("default: 1.0"), 3, "hyperparameters.x.scale", f"is missing. Accepted: {SCALES}"),
    "no default": (entry("scale: log"), 3, "hyperparameters.x.default", "is missing. Accepted: a finite number"),
    "unknown scale": (entry("scale: square, default: 1"), 3, "hyperparameters.x.scale", "Received: 'square'"),
    "no bounds": (entry("scale: linear, default: 1"), 3, "hyperparameters.x.low", "low must be given on the scale"),
    "a choice of one": (entry("scale: choice, values: a"), 3, "hyperparameters.x.values", "values must be 2 to 64"),
    "a default that is no choice": (
        entry("scale: choice, values: [a, b], default: c"),
        3,
        "hyperparameters.x.default",
        "default must be one of 'a', 'b'. Received: 'c'",
    ),
    "a flag that is none": (
        entry("scale: integer, default: 1, low: 1, high: 2, log: yes"),
        3,
        "hyperparameters.x.log",
        "must be true or false. Received: 'yes'",
    ),
    "a condition on nothing": (
        entry("scale: log, default: 1, only when: {y: 1}"),
        3,
        "hyperparameters.x.only when",
        "must name a choice, a whole number or a constant before it",
    ),
    "a condition without a value": (
        entry("scale: log, default: 1, only when: cosine"),
        3,
        "hyperparameters.x.only when",
        "must be a mapping from names of other hyperparameters",
    ),
    "scale in upper case": (entry("scale: LOG, default: 1"), 3, "hyperparameters.x.scale", SCALES),
    "scale a list": (entry("scale: [log], default: 1"), 3, "hyperparameters.x.scale", SCALES),
    "setting misspelt": (entry("scale: log, defualt: 1"), 3, "hyperparameters.x.defualt", "did you mean 'default'"),
    "setting unknown": (
        entry("scale: log, default: 1, step: 2"),
        3,
        "hyperparameters.x.step",
        "Accepted: scale, default",
    ),
    # not the numbers
    "text": (
        entry("scale: log, default: fast"),
        3,
        "hyperparameters.x.default",
        "must be a finite number. Received: 'fast'",
    ),
    "empty number": (entry("scale: log, default: "), 3, "hyperparameters.x.default", "Received: ''"),
    "yes": (entry("scale: log, default: yes"), 3, "hyperparameters.x.default", "Received: 'yes'"),
    "true": (entry("scale: log, default: true"), 3, "hyperparameters.x.default", "Received: 'true'"),
    "null": (entry("scale: log, default: 1, low: null"), 3, "hyperparameters.x.low", "Received: 'null'"),
    "nan": (entry("scale: log, default: nan"), 3, "hyperparameters.x.default", "must be a finite number"),
    ".nan": (entry("scale: log, default: .nan"), 3, "hyperparameters.x.default", "must be a finite number"),
    ".inf": (entry("scale: log, default: 1, high: .inf"), 3, "hyperparameters.x.high", "must be a finite number"),
    "infinity": (
        entry("scale: log, default: 1, high: Infinity"),
        3,
        "hyperparameters.x.high",
        "must be a finite number",
    ),
    "overflow": (entry("scale: log, default: 1e999"), 3, "hyperparameters.x.default", "must be a finite number"),
    "5,000 digits": (
        entry(f"scale: log, default: {'9' * 5000}"),
        3,
        "hyperparameters.x.default",
        "must be a finite number",
    ),
    "minutes": (entry("scale: log, default: '1:30'"), 3, "hyperparameters.x.default", "Received: '1:30'"),
    "hexadecimal": (entry("scale: log, default: 0x10"), 3, "hyperparameters.x.default", "Received: '0x10'"),
    "two numbers": (entry("scale: log, default: [1, 2]"), 3, "hyperparameters.x.default", "Received: ['1', '2']"),
    "zero on log": (entry("scale: log, default: 0"), 3, "hyperparameters.x.default", "on the scale 'log'"),
    "negative on log": (entry("scale: log, default: 1, low: -1"), 3, "hyperparameters.x.low", "on the scale 'log'"),
    "one on decay": (entry("scale: decay, default: 1"), 3, "hyperparameters.x.default", "at least 0 and below 1"),
    "negative on decay": (
        entry("scale: decay, default: -0.1"),
        3,
        "hyperparameters.x.default",
        "at least 0 and below 1",
    ),
    "high one on decay": (entry("scale: decay, default: 0, high: 1"), 3, "hyperparameters.x.high", "below 1"),
    "low above high": (
        entry("scale: log, default: 1, low: 2, high: 0.5"),
        3,
        "hyperparameters.x.low",
        "must not exceed high",
    ),
    "default below low": (
        entry("scale: log, default: 1, low: 2"),
        3,
        "hyperparameters.x.default",
        "must lie within [2.0,",
    ),
    "default above high": (
        entry("scale: log, default: 1, high: 0.5"),
        3,
        "hyperparameters.x.default",
        "must lie within",
    ),
    "a later line": (X + "  y:\n    scale: log\n    default: no\n", 6, "hyperparameters.y.default", "Received: 'no'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_file_is_refused_in_one_line_that_names_file_line_and_key(write: Write, case: str) -> None:
    content, line, key, said = REFUSED[case]
    path = write(content)
    with pytest.raises(SearchSpaceError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}, line {line}" if line else f"{path}: ")
    assert key in message
    assert said in message
    assert message.isprintable()
    assert len(message) < len(str(path)) + 500


def test_the_corpus_is_as_large_as_was_asked_for() -> None:
    assert len(REFUSED) >= 40


@pytest.mark.parametrize(
    "filler", [b"#", b"a", b"\n", b" ", b"[", b"- ", b"a: b\n", b"? ", b"'", b"a\n", b"{a: ", b"1,"]
)
def test_a_megabyte_of_anything_is_refused(write: Write, filler: bytes) -> None:
    path = write((filler * 1_000_000)[:1_000_000])
    with pytest.raises(SearchSpaceError):
        load(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    _read_or_refused(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(data=st.data())
def test_a_good_file_with_pieces_replaced_is_read_or_refused_in_one_line(tmp_path: Path, data: st.DataObject) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        piece = data.draw(
            st.sampled_from(["&a ", "*a", "!!int ", "{", "}", "[", "]", ": ", "\n", "'", "- ", "? ", "nan", ""])
        )
        text = text[:start] + piece + text[end:]
    path = tmp_path / "nearly.yaml"
    path.write_text(text)
    _read_or_refused(path)


def _read_or_refused(path: Path) -> None:
    try:
        space = load(path)
    except SearchSpaceError as error:
        message = str(error)
    else:
        message = str(path)
        assert (space.lower <= space.default_genome()).all()
    assert message.startswith(str(path))
    assert message.isprintable()


def test_a_document_knows_the_line_of_each_value() -> None:
    document = strict_yaml.read(GOOD.encode())
    assert document.lines[("hyperparameters", "beta_1", "default")] == 6
    assert document.line(("hyperparameters", "beta_1", "low")) == 4  # of its parent


# Files that are none, and files for another optimizer


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SearchSpaceError, match=r"nowhere\.yaml: No such file or directory$"):
        load(tmp_path / "nowhere.yaml")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SearchSpaceError, match="must be a regular file"):
        load(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(SearchSpaceError, match="must be a regular file"):
        load(tmp_path / "pipe.yaml")


@pytest.mark.parametrize("name", ["nul\0.yaml", "new\nline.yaml", "x" * 5000])
def test_a_name_that_no_file_has_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(SearchSpaceError) as caught:
        load(tmp_path / name)
    assert str(caught.value).isprintable()


def test_a_file_for_another_optimizer_is_refused(write: Write) -> None:
    path = write(GOOD)
    with pytest.raises(SearchSpaceError) as caught:
        load(path, optimizer="Yogi")
    assert str(caught.value) == f"{path}, line 1, optimizer: must be 'Yogi'. Received: 'Adam'"


def test_a_file_with_a_hyperparameter_that_the_optimizer_lacks_is_refused_with_the_nearest(write: Write) -> None:
    path = write(GOOD)
    with pytest.raises(SearchSpaceError) as caught:
        load(path, optimizer="Adam", hyperparameters=("learning_rate", "beta_2", "beta"))
    assert str(caught.value) == (
        f"{path}, line 4, hyperparameters.beta_1: Adam has no such hyperparameter (did you mean 'beta_2'?). "
        "Accepted: learning_rate, beta_2, beta"
    )


def test_a_file_that_lacks_a_hyperparameter_is_refused(write: Write) -> None:
    path = write(GOOD)
    with pytest.raises(SearchSpaceError) as caught:
        load(path, hyperparameters=("learning_rate", "beta_1", "beta_2"))
    assert str(caught.value) == (
        f"{path}, line 2, hyperparameters.beta_2: is missing. Accepted: learning_rate, beta_1, beta_2, each of them"
    )


def test_a_file_with_all_that_the_optimizer_has_is_read_whatever_the_order(write: Write) -> None:
    assert load(write(GOOD), optimizer="Adam", hyperparameters=["beta_1", "learning_rate"]).optimizer == "Adam"


def test_an_error_is_a_value_error_that_the_command_line_may_catch() -> None:
    assert issubclass(loader.SearchSpaceError, ValueError)


EVERY_KIND = """
optimizer: train
hyperparameters:
  lr: {scale: log, default: 1e-3, low: 1e-6, high: 1}
  momentum: {scale: decay, default: 0.9}
  dropout: {scale: linear, default: 0.1, low: 0, high: 0.5}
  layers: {scale: integer, default: 2, low: 1, high: 8}
  width: {scale: integer, default: 64, low: 8, high: 1024, log: true}
  schedule: {scale: choice, values: [constant, cosine, step], default: cosine}
  batch_size: {scale: choice, values: [32, 64, 128], ordered: true}
  nesterov: {scale: choice, values: [false, true]}
  final: {scale: log, default: 0.1, only when: {schedule: [cosine, step], nesterov: true}}
fixed: {epochs: 3, decoupled: true, data: "digits 5000", gamma: 0.5}
"""


def test_a_file_may_have_every_kind_of_hyperparameter_as_python_may(write):
    space = load(write(EVERY_KIND))
    assert space == replace(
        build.space(
            lr=build.log(1e-3, low=1e-6, high=1),
            momentum=build.decay(0.9),
            dropout=build.linear(0.1, low=0, high=0.5),
            layers=build.integer(2, low=1, high=8),
            width=build.integer(64, low=8, high=1024, log=True),
            schedule=build.choice("constant", "cosine", "step", default="cosine"),
            batch_size=build.choice(32, 64, 128, ordered=True),
            nesterov=build.choice(False, True),
            final=build.log(0.1, only_when={"schedule": ["cosine", "step"], "nesterov": True}),
            epochs=3,
            decoupled=True,
            data="digits 5000",
            gamma=0.5,
        ),
        optimizer="train",
    )
    assert space.defaults() == {
        "lr": 0.001, "momentum": 0.9, "dropout": 0.1, "layers": 2, "width": 64, "schedule": "cosine", "batch_size": 32,
        "nesterov": False, "final": None, "epochs": 3, "decoupled": True, "data": "digits 5000", "gamma": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"rate": build.log(0.0)}, "rate: default must be a number within"),
        ({"rate": {"scale": "log", "start": 1}}, "rate: .*unexpected keyword argument 'start'"),
        ({"rate": 0.1}, "a search space must tune something"),
        ({"rate": build.log(0.1), "data": [1]}, r"data must be a finite number, a text or a boolean. Received: \[1\]"),
    ],
)
def test_a_space_in_python_that_cannot_be_is_refused_in_one_line(hyperparameters, message):
    with pytest.raises(ValueError, match=message):
        build.space(**hyperparameters)
