"""Why a model cannot be loaded. Each message is a sentence for a person.

EngineError
├── DigestError   the graph's bytes are not those that the YAML names
└── GraphError    these bytes can never be served here: not a frozen graph, an op or endpoint that is not allowed
"""

from contract.errors import ContractError


class EngineError(ContractError):
    """Base of why a model cannot be loaded."""


class DigestError(EngineError):
    """The graph's bytes are not those that the YAML names."""


class GraphError(EngineError):
    """Bytes that can never be served here."""
