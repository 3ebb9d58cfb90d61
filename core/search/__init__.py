"""A search over priors, flows and their settings, on one machine or many, that survives being killed."""

from core.search.folder import StudyFolder
from core.search.records import CRITERIA, DataMark, Measures, Study, Trial
from core.search.space import Space
from core.search.study import Change, SearchConfig, opened, search
from core.search.trial import Outcome, Rung, run_rung
from core.search.workers import Cluster, Pool, Workers

__all__ = [
    "CRITERIA",
    "Change",
    "Cluster",
    "DataMark",
    "Measures",
    "Outcome",
    "Pool",
    "Rung",
    "SearchConfig",
    "Space",
    "Study",
    "StudyFolder",
    "Trial",
    "Workers",
    "opened",
    "run_rung",
    "search",
]
