"""Run a command and print, as the last line, what it took: ``python counter.py COMMAND ...``.

It stands between the tests and a notebook as a small process of its own: asked by the tests, Linux
would report at least their memory, because a child starts as a copy of its parent. The line is a
JSON list: seconds of CPU time of the command and its children, and bytes of the largest of them.
"""

import json
import subprocess
import sys
import time

try:
    import resource
except ImportError:  # Windows
    resource = None


def counted(command):
    """Run a command; return its exit status, CPU seconds and bytes, as the system counted them."""
    status = subprocess.run(command).returncode
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    return status, used.ru_utime + used.ru_stime, used.ru_maxrss * unit


def watched(command, every=0.2):
    """The same where the system does not count: look at the processes again and again.

    What a process does after the last look is missed, and so is one that lives between two looks.

    Args:
        command: program and arguments.
        every: seconds between two looks.
    """
    import psutil

    process, seen = psutil.Popen(command), {}
    while process.poll() is None:
        _look(process, seen)
        time.sleep(every)
    seconds = sum(seconds for seconds, _ in seen.values())
    return process.returncode, seconds, max((size for _, size in seen.values()), default=0)


def _look(process, seen):
    """Put CPU seconds and most bytes of a process and its children into ``seen``."""
    import psutil

    try:
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return
    for one in family:
        try:
            name, times, memory = (one.pid, one.create_time()), one.cpu_times(), one.memory_info()
        except psutil.Error:  # it has just ended
            continue
        # Windows remembers the most that a process ever held.
        size = getattr(memory, "peak_wset", memory.rss)
        seen[name] = times.user + times.system, max(size, seen.get(name, (0, 0))[1])


if __name__ == "__main__":
    status, *used = (counted if resource else watched)(sys.argv[1:])
    print(json.dumps(used))
    sys.exit(status)
