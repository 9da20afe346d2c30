"""The first process of a sandbox: makes it, starts the program and its tests in it, and watches over both. When it ends, all in it ends."""
import json
import os
import select
import signal
import time

MOST_OUTPUT = 4 << 20  # Bytes that a program may print; they are counted and thrown away.


def keep(header, code, life, report, isolated, threads):
    """Never returns. life: closes when the launcher ends. report: takes one line, the outcome."""
    read = False
    try:
        if isolated:
            nobody = can_be_nobody()
            new_root(FOLDERS)
            drop_privileges(nobody)
        die_with_parent()  # After a change of user, which undoes it.
        setup_r, setup_w = os.pipe()
        asked, answered = os.pipe(), os.pipe()
        printed_r, printed_w = os.pipe()
        program = start(setup_w, lambda: redirected(printed_w, lambda: run_program(header, code, asked[0], answered[1], isolated, threads)))
        started = time.monotonic()
        deadline = started + header["seconds"]
        # Only now: the program's process must not have the tests in its memory.
        check = json.loads(read_exactly(0, header["check_bytes"]))
        read = True
        os.write(report, b"read\n")
        for descriptor in (asked[0], answered[1]):
            os.close(descriptor)
        verdict_r, verdict_w = os.pipe()
        tests = start(setup_w, lambda: redirected(printed_w, lambda: run_check(header, check, asked[1], answered[0], verdict_w, isolated)))
        for descriptor in (asked[1], answered[0], verdict_w, printed_w, setup_w):
            os.close(descriptor)
        outcome = watch(header, program, verdict_r, printed_r, life, setup_r, deadline)
        outcome["seconds"] = time.monotonic() - started
        end((program, tests))
    except SetupFault as fault:
        outcome = {"kind": "setup", "detail": str(fault)}
    except Gone:
        os._exit(1)
    if not read:
        read_exactly(0, header["check_bytes"])
        os.write(report, b"read\n")
    write_all(report, json.dumps(outcome).encode("ascii") + b"\n")
    os._exit(0)


def start(setup, body):
    """setup: takes why the sandbox could not be completed. It is closed before any of the program runs."""
    pid = os.fork()
    if pid:
        return pid
    try:
        die_with_parent()
        body()
    except SetupFault as fault:
        os.write(setup, str(fault).encode("utf-8"))
    finally:
        os._exit(70)


def redirected(output, body):
    empty = os.open("/dev/null", os.O_RDWR)
    os.dup2(empty, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    body()


def end(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def watch(header, program, verdict, printed, life, setup, deadline):
    """Until there is a verdict, or a limit is reached."""
    poll = select.poll()
    for descriptor in (verdict, printed, life):
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
    output, said = 0, b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return {"kind": "time", "detail": "after %g s" % header["seconds"]}
        for descriptor, _ in poll.poll(left * 1000 + 1):
            data = os.read(descriptor, 1 << 16)
            if descriptor == life:
                os._exit(1)
            if descriptor == printed:
                output += len(data)
                if not data:
                    poll.unregister(printed)
                if output > MOST_OUTPUT:
                    return {"kind": "output", "detail": "printed more than %d MiB" % (MOST_OUTPUT >> 20)}
            elif data:
                said += data
            else:
                outcome = json.loads(said) if said else {"kind": "killed", "detail": "the tests' process ended"}
                if outcome["kind"] != "gone" and said:
                    return outcome
                # Empty once both processes are confined or have ended, which they are.
                fault = os.read(setup, 1 << 12)
                if fault:
                    return {"kind": "setup", "detail": fault.decode("utf-8")}
                return how_it_ended(header, program, deadline) if said else outcome


def how_it_ended(header, pid, deadline):
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            return {"kind": "time", "detail": "after %g s" % header["seconds"]}
        time.sleep(0.001)
    if not os.WIFSIGNALED(status):
        return {"kind": "failed", "detail": "ended itself with code %d before its tests had ended" % os.WEXITSTATUS(status)}
    number = os.WTERMSIG(status)
    if number == signal.SIGXCPU:
        return {"kind": "time", "detail": "used all of its processor time"}
    name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
    return {"kind": "killed", "detail": "ended by " + name}
