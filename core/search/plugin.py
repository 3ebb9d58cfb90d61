"""What runs inside a Dask worker: the data set, kept once per worker, and the rung that asks for it."""

from distributed import WorkerPlugin, get_worker

from core.data.dataset import Dataset
from core.search.trial import Outcome, Rung, run_rung

__all__ = ["DataPlugin", "run_with_plugin"]


class DataPlugin(WorkerPlugin):
    """Keeps a data set on every worker of a cluster, also on those that join later."""

    def __init__(self, name: str, dataset: Dataset) -> None:
        self.name, self.dataset = name, dataset


def run_with_plugin(name: str, ticket: str, rung: Rung) -> Outcome:
    """Run a rung on the data set of the plugin `name`, having told the scheduler that it begins."""
    worker = get_worker()
    worker.log_event(name, {"ticket": ticket})
    plugin = worker.plugins[name]
    assert isinstance(plugin, DataPlugin)
    return run_rung(rung, plugin.dataset)
