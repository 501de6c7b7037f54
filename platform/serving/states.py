"""The states of a version, in the order in which it goes through them."""

from enum import StrEnum


class State(StrEnum):
    """Where a version is. A version moves down this list; a retry or a return after removal starts a new life."""

    DISCOVERED = "discovered"  # complete, and not wanted now: a better version is there
    SETTLING = "settling"  # its files still change, or disagree
    WAITING_FOR_GRAPH = "waiting-for-graph"  # the YAML is good, the .pb is not there yet
    VALIDATING = "validating"  # the bytes are read and checked
    LOADING = "loading"
    WARMING = "warming"  # first runs, and the golden pictures
    REJECTED = "rejected"  # these bytes are never tried again
    FAILED = "failed"  # tried again after a pause
    STANDBY = "standby"  # loaded, and not routed to
    ACTIVE = "active"
    DRAINING = "draining"  # no new requests; the accepted ones finish
    UNLOADED = "unloaded"
