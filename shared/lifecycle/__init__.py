"""How a process starts, keeps watch over its tasks, and stops."""

from shared.lifecycle.stop import Stop, TaskFailed
from shared.lifecycle.tasks import Tasks
from shared.lifecycle.until_stopped import until_stopped

__all__ = ["Stop", "TaskFailed", "Tasks", "until_stopped"]
