"""The allow-list holds nothing that reaches outside the graph."""

import pytest

from contract.ops import ALLOWED_OPS

# Operations known to run code, or to touch files, the network or the state of the process.
DANGEROUS = """
    PyFunc PyFuncStateless EagerPyFunc
    ReadFile WriteFile MatchingFiles Save SaveSlices SaveV2 Restore RestoreSlice RestoreV2 MergeV2Checkpoints
    ShardedFilename ShardedFilespec LoadAndRemapMatrix WholeFileReader WholeFileReaderV2 ReaderRead ReaderReadV2
    TextLineReader TextLineReaderV2 FixedLengthRecordReader FixedLengthRecordReaderV2 TFRecordReader TFRecordReaderV2
    LMDBReader InitializeTableFromTextFile InitializeTableFromTextFileV2 ImmutableConst Print PrintV2
    WriteSummary WriteGraphSummary CreateSummaryFileWriter CreateSummaryDbWriter DecodeProtoV2 EncodeProto
    DecodeImage DecodePng DecodeJpeg DecodeGif DecodeBmp DecodeWav
    TextLineDataset TFRecordDataset FixedLengthRecordDataset SqlDataset CacheDataset SnapshotDataset SaveDataset
    LoadDataset GeneratorDataset DataServiceDataset DatasetFromGraph DatasetToGraph
    RpcCall RemoteCall _Send _Recv _HostSend _HostRecv DebugIdentity DebugIdentityV2 DebugIdentityV3
    DebugNumericSummary DebugNumericSummaryV2 LookupTableImport LookupTableImportV2
    VariableV2 VarHandleOp ReadVariableOp RandomUniform RandomStandardNormal TruncatedNormal
    FIFOQueueV2 QueueDequeueV2 SymbolicGradient
"""

# Parts of the names of whole families of such operations.
FAMILIES = """
    Py File Dataset Iterator Reader Save Restore Summary Print Debug Send Recv Rpc Remote Queue Variable VarHandle
    Random Lookup Table String Proto Decode Dequeue Stage Barrier Session Checkpoint Tpu XLA
"""


@pytest.mark.parametrize("op", DANGEROUS.split())
def test_no_dangerous_operation_is_allowed(op: str) -> None:
    assert op not in ALLOWED_OPS


@pytest.mark.parametrize("family", FAMILIES.split())
def test_no_operation_of_a_dangerous_family_is_allowed(family: str) -> None:
    in_graph = {"CTCGreedyDecoder", "CTCBeamSearchDecoder"}  # these decode scores, not bytes
    assert [op for op in ALLOWED_OPS - in_graph if family in op] == []


@pytest.mark.parametrize("op", ["Placeholder", "Const", "Conv2D", "MatMul", "BlockLSTMV2", "CTCGreedyDecoder"])
def test_what_every_recogniser_needs_is_allowed(op: str) -> None:
    assert op in ALLOWED_OPS
