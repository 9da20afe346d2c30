"""Reads programs from standard input, runs each in a sandbox of its own, and writes a line of JSON for each outcome. Ends with its input."""
import gc
import json
import os
import select
import signal
import sys
import time

FOLDERS = []
PATIENCE = 5  # Seconds that a sandbox has beyond its time to come up and to go down, before it is killed from outside.


def run(header, code):
    isolated = header["isolated"]
    life_r, life_w = os.pipe()
    report_r, report_w = os.pipe()
    namespaces_r, namespaces_w = os.pipe()
    mapped_r, mapped_w = os.pipe()
    child = os.fork()
    if child == 0:
        for descriptor in (1, life_w, report_r, namespaces_r, mapped_w):
            os.close(descriptor)
        os.open("/dev/null", os.O_RDWR)  # As 1.
        try:
            enter(header, code, isolated, life_r, report_w, namespaces_w, mapped_r)
        except BaseException:
            os._exit(1)
    for descriptor in (life_r, report_w, namespaces_w, mapped_r):
        os.close(descriptor)
    fault = None
    try:
        if os.read(namespaces_r, 1) == b"n":
            os.write(mapped_w, b"t" if map_users(child) else b"1")
    except SetupFault as failure:
        fault = failure
    for descriptor in (namespaces_r, mapped_w):
        os.close(descriptor)
    lines = hear(report_r, header["seconds"] + PATIENCE)
    bury(child)
    for descriptor in (life_w, report_r):
        os.close(descriptor)
    if not lines or lines[0] != b"read":
        if fault is None:
            return {"kind": "killed", "detail": "the sandbox was killed"}, False
        read_exactly(0, header["check_bytes"])
    if fault is not None:
        return {"kind": "setup", "detail": str(fault)}, True
    return (json.loads(lines[1]) if len(lines) > 1 else {"kind": "killed", "detail": "the sandbox was killed"}), True


def enter(header, code, isolated, life, report, namespaces, mapped):
    """The child: into new namespaces, and the sandbox's first process as its own child, for a process stays in the pid namespace it began in."""
    die_with_parent()
    os.setsid()
    threads = False
    if isolated:
        try:
            new_namespaces()
        except SetupFault as fault:
            read_exactly(0, header["check_bytes"])
            write_all(report, b"read\n" + json.dumps({"kind": "setup", "detail": str(fault)}).encode("ascii") + b"\n")
            os._exit(1)
        os.write(namespaces, b"n")
        answer = os.read(mapped, 1)
        if not answer:
            os._exit(1)
        threads = answer == b"t"
    for descriptor in (namespaces, mapped):
        os.close(descriptor)
    if not isolated:
        os.chdir("/tmp")
        keep(header, code, life, report, False, os.geteuid() != 0)
    first = os.fork()
    if first == 0:
        try:
            keep(header, code, life, report, True, threads)
        except BaseException as fault:
            write_all(report, json.dumps({"kind": "killed", "detail": "the sandbox failed: " + repr(fault)}).encode("ascii") + b"\n")
        finally:
            os._exit(1)
    for descriptor in (0, life, report):
        os.close(descriptor)
    os.waitpid(first, 0)
    os._exit(0)


def hear(report, seconds):
    """The lines of a sandbox, until it ends, its time is over, or nobody waits for it any more."""
    poll = select.poll()
    poll.register(report, select.POLLIN | select.POLLHUP)
    poll.register(0, 0)
    deadline, said = time.monotonic() + seconds, b""
    while time.monotonic() < deadline:
        for descriptor, event in poll.poll(max(1, (deadline - time.monotonic()) * 1000)):
            if descriptor == 0:
                if event & (select.POLLHUP | select.POLLERR):
                    sys.exit(0)
                continue
            data = os.read(report, 1 << 16)
            said += data
            if not data or said.count(b"\n") >= 2:
                return said.splitlines()
    return said.splitlines()


def bury(child):
    """Waits until the sandbox and all in it is gone; kills what takes too long."""
    deadline, pause = time.monotonic() + PATIENCE, 0.0002
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


def read_line():
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit(0)
        line += byte
    return line


def serve():
    # What solutions import is there already: a fork has it at no cost.
    for name in ("bisect", "copy", "functools", "hashlib", "heapq", "itertools", "math", "operator", "re", "statistics", "string", "typing"):
        try:
            __import__(name)
        except ImportError:
            pass
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the program that started this one.
    prepare_filters()
    FOLDERS.extend(python_folders())
    gc.freeze()
    while True:
        header = json.loads(read_line())
        code = read_exactly(0, header["code_bytes"]).decode("utf-8", "surrogatepass")
        outcome, usable = run(header, code)
        write_all(1, json.dumps(outcome).encode("ascii") + b"\n")
        if not usable:
            sys.exit(1)


serve()
