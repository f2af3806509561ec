"""Settings of TensorFlow and Keras that a user's module or keras.json leaves: refused, or without effect."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tasks.rosenbrock import Rosenbrock
from tasks.tensorflow_settings import SETTINGS
from tests.support import command_line
from tuner.training.loop import Loop, build_optimizer

LEFT = {
    "tf.config.run_functions_eagerly(True)": "tf.config.run_functions_eagerly(True)",
    "tf.debugging.enable_check_numerics() or enable_dump_debug_info()": "tf.debugging.enable_check_numerics()",
    "tf.compat.v1.disable_eager_execution() or disable_v2_behavior()": "tf.compat.v1.disable_eager_execution()",
    "tf.compat.v1.disable_v2_tensorshape()": "tf.compat.v1.disable_v2_tensorshape()",
    "tf.compat.v1.disable_control_flow_v2()": "tf.compat.v1.disable_control_flow_v2()",
    "tf.compat.v1.disable_resource_variables()": "tf.compat.v1.disable_resource_variables()",
}


def test_each_setting_is_tried() -> None:
    assert set(LEFT) == {left_by for left_by, _ in SETTINGS}


# The last three are rare, and each takes a process with TensorFlow.
@pytest.mark.parametrize(
    "left_by", [pytest.param(text, marks=[pytest.mark.slow] * (place > 2)) for place, text in enumerate(LEFT)]
)
def test_a_setting_left_in_a_users_file_is_refused_with_the_call_that_leaves_it(left_by: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import tensorflow as tf\nfrom tasks.function_task import function_task\n"
        f"{LEFT[left_by]}\n"
        "MyTask = function_task(lambda x: tf.reduce_sum(x**2), start=[1.0])\n"
    )
    given = ("train", "--task", "mine.py:MyTask", "--optimizer", "Adam", "--steps", 3)
    done = command_line.run(*given, folder=tmp_path)
    assert (done.code, done.out) == (2, "")
    last = done.err.strip().splitlines()[-1]
    assert last.startswith("lodo-tune: mine.py:MyTask: TensorFlow runs in debug mode")
    assert last.endswith(f"Received: {left_by}")


@pytest.mark.parametrize("floatx", ["float16", "float64"])
def test_keras_optimizers_take_the_same_steps_whatever_floatx_is(floatx: str) -> None:
    def path() -> np.ndarray:
        task = Rosenbrock()
        loop = Loop(task, build_optimizer("keras:AdamW", task, ["learning_rate"]), 1)
        rate = {"learning_rate": tf.constant([0.1], tf.float64)}
        seeds = tf.constant([[1, 2]])
        return loop.run(loop.begin(rate, seeds, seeds), rate, seeds, 1, 20, 20)[1]

    expected = path()
    keras.config.set_floatx(floatx)
    try:
        np.testing.assert_array_equal(path(), expected)
        assert keras.config.floatx() == floatx
    finally:
        keras.config.set_floatx("float32")


def test_a_floatx_of_float16_in_keras_json_is_refused_and_not_trained_in(tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text('{"floatx": "float16", "backend": "tensorflow"}')
    (tmp_path / "mine.py").write_text(
        "import keras, numpy as np\nfrom tasks.keras_task import keras_task\n"
        "def net():\n    return keras.Sequential([keras.layers.Dense(1, name='last')])\n"
        "MyTask = keras_task(net, train=(np.ones([9, 3]), np.ones([9, 1])), loss='mse')\n"
    )
    given = ("train", "--task", "mine.py:MyTask", "--optimizer", "Adam", "--steps", 3)
    done = command_line.run(*given, folder=tmp_path, KERAS_HOME=str(tmp_path))
    assert done.code == 2
    last = done.err.strip().splitlines()[-1]
    assert "net: layers in float16, which need loss scaling: not supported." in last
    assert "keras.json" in last
