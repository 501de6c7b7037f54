"""The TensorFlow operations that a graph may hold, by name: the export writes no others, the engine loads no others.

An allow-list, because a deny-list is known to fail: TensorFlow calls models programs, and several harmless-looking ops
read or write files. Only pure CPU kernels over tensors stand here: no file, no network, no Python, no variable, no
random number, and nothing that carries a graph inside a constant.
"""

_CONSTANTS = "Placeholder Const Identity IdentityN NoOp StopGradient"
_NETWORK = """
    Conv2D DepthwiseConv2dNative BiasAdd MatMul BatchMatMul BatchMatMulV2 FusedBatchNorm FusedBatchNormV2
    FusedBatchNormV3 MaxPool AvgPool Pad PadV2 MirrorPad Einsum
"""
_ARITHMETIC = """
    Relu Relu6 LeakyRelu Elu Selu Sigmoid Tanh Softmax LogSoftmax Exp Expm1 Log Log1p Sqrt Rsqrt Square
    SquaredDifference Neg Abs Sign Add AddV2 AddN Sub Mul RealDiv Div FloorDiv FloorMod Maximum Minimum Floor Ceil
    Round Cast
"""
_CHOICE = """
    Less LessEqual Greater GreaterEqual Equal NotEqual LogicalAnd LogicalOr LogicalNot Select SelectV2 Where Any All
    Sum Mean Max Min Prod ArgMax Cumsum
"""
_SHAPE = """
    Shape ShapeN Rank Size Reshape Squeeze ExpandDims Transpose ConcatV2 Concat Pack Unpack Split SplitV Slice
    StridedSlice Gather GatherV2 GatherNd ScatterNd Tile Fill Range ZerosLike OnesLike ReverseV2 ReverseSequence
    BroadcastTo OneHot DynamicStitch InvertPermutation
"""
_RECURRENCE = """
    Enter Exit Merge Switch NextIteration LoopCond TensorArrayV3 TensorArrayReadV3 TensorArrayWriteV3
    TensorArrayGatherV3 TensorArrayScatterV3 TensorArraySizeV3 TensorArrayConcatV3 TensorArraySplitV3
    TensorArrayCloseV3 While StatelessWhile If StatelessIf PartitionedCall StatefulPartitionedCall
    TensorListFromTensor TensorListReserve TensorListGetItem TensorListSetItem TensorListStack TensorListLength
    TensorListElementShape TensorListPushBack TensorListPopBack BlockLSTM BlockLSTMV2 LSTMBlockCell GRUBlockCell
"""
_CTC = "CTCGreedyDecoder CTCBeamSearchDecoder SparseToDense SparseReorder"
_HARMLESS = "Assert"

ALLOWED_OPS = frozenset(
    " ".join([_CONSTANTS, _NETWORK, _ARITHMETIC, _CHOICE, _SHAPE, _RECURRENCE, _CTC, _HARMLESS]).split()
)
