"""Which kind of work the operations of a training step are counted as."""

import pytest

from benchmarks.training_ours import kind_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("functional/conv2d_1/convolution:_MklNativeConv2D", "convolution"),
        ("functional/conv2d_1/MatMul:BatchMatMulV2", "convolution"),
        ("Conv2DBackpropFilter_3:Conv2DBackpropFilter", "convolution"),
        ("functional/batch_normalization/FusedBatchNormV3:FusedBatchNormV3", "norm, pool, activation"),
        ("MatMul_7:BatchMatMulV2", "rest"),
    ],
)
def test_an_operation_is_of_one_kind(name: str, kind: str) -> None:
    assert kind_of(name) == kind
