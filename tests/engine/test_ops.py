"""The contract's list of operations names operations that the installed TensorFlow has."""

from contract.ops import ALLOWED_OPS
from engine.quiet import import_tensorflow


def test_every_allowed_operation_exists() -> None:
    import_tensorflow()
    from tensorflow.python.framework import op_def_registry  # noqa: PLC0415 - late, and without keras

    assert sorted(op for op in ALLOWED_OPS if op_def_registry.get(op) is None) == []


def test_no_allowed_operation_keeps_state_outside_the_graph() -> None:
    """TensorFlow marks operations with effects; those here have none that outlives a call."""
    import_tensorflow()
    from tensorflow.python.framework import op_def_registry  # noqa: PLC0415 - as above

    with_effects = {op for op in ALLOWED_OPS if op_def_registry.get(op).is_stateful}
    assert with_effects <= {"Assert", "While", "If", "StatefulPartitionedCall"} | {
        op for op in ALLOWED_OPS if op.startswith("TensorArray")
    }
