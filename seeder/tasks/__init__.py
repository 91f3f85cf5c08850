"""Tasks: long work behind an answer (exports, clips, imports), told of while it goes on, and after.

task      one piece of work: what it is, how far it is, what came of it (``task``)
kind      what a task does: ``export``, ``upload``, …; each has its work, given at the start
work      the coroutine that does it; told to begin again from its request after a restart
job       a task as its work sees it: the request, a folder of its own, and where to say how far it is
manager   has the tasks, lets a few work at once, and keeps them in a folder (``manager``, ``store``)
"""

from seeder.tasks.manager import FullError, Tasks
from seeder.tasks.task import Job, State, Task, Work

__all__ = ["FullError", "Job", "State", "Task", "Tasks", "Work"]
