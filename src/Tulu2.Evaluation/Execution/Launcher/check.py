"""The process of the tests. It never runs a line of the program: it calls the program's function by messages, so only right results pass."""
import builtins
import os
import random


TOO_LONG = "a result has more than 16 MiB"


class Verdict(BaseException):
    """The end of the tests, before their last line."""

    def __init__(self, kind, detail):
        super().__init__(kind, detail)
        self.kind, self.detail = kind, detail


class Candidate:
    """The program's function, as its tests see it."""

    def __init__(self, asked, answered):
        self._asked, self._answered = asked, answered

    def hear(self):
        try:
            message = receive(self._answered)
        except Gone:
            raise Verdict("gone", "")
        except TooLong:
            raise Verdict("output", TOO_LONG)
        except MemoryError:
            raise Verdict("memory", "a result does not fit into memory")
        except (ValueError, RecursionError):
            raise Verdict("failed", "the result can't be read")
        if not isinstance(message, dict):
            raise Verdict("failed", "the result can't be read")
        if "too_long" in message:
            raise Verdict("output", TOO_LONG)
        if "fault" in message:
            self.fail(message)
        return message

    def fail(self, message):
        kind = getattr(builtins, str(message["fault"]), None)
        line = str(message.get("line"))[:LONGEST_LINE]
        if kind is MemoryError:
            raise Verdict("memory", line)
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise Verdict("failed", line)  # It wanted to end the process, say.
        try:
            fault = kind(str(message.get("text")))
        except TypeError:
            fault = Exception(line)
        fault.line = line
        raise fault

    def __call__(self, *arguments, **options):
        try:
            send(self._asked, pack((list(arguments), options)))
        except Gone:
            raise Verdict("gone", "")
        message = self.hear()
        try:
            for old, new in zip(arguments, message.get("arguments", ())):
                refill(old, unpack(new))
            return unpack(message["result"])
        except Exception:
            raise Verdict("failed", "the result can't be read")


def run_check(header, check, asked, answered, verdict, isolated):
    """Never returns. Writes one verdict."""
    confine(header, (asked, answered, verdict), isolated, False)
    candidate = Candidate(asked, answered)
    names = {}
    try:
        outcome = {"kind": "passed", "detail": ""}
        candidate.hear()
        exec(compile(check["context"], "<context>", "exec"), names)
        if header["entry"]:
            names[header["entry"]] = candidate
        exec(compile(check["tests"], "<tests>", "exec"), names)
    except Verdict as end:
        outcome = {"kind": end.kind, "detail": end.detail}
    except MemoryError as fault:
        outcome = {"kind": "memory", "detail": last_line(fault)}
    except BaseException as fault:
        outcome = {"kind": "failed", "detail": getattr(fault, "line", None) or test_line(fault, check["tests"])}
    write_all(verdict, json.dumps(outcome).encode("ascii"))
    os._exit(0)


def test_line(fault, tests):
    line = last_line(fault)
    step, lines = fault.__traceback__, tests.splitlines()
    source = ""
    while step is not None:
        if step.tb_frame.f_code.co_filename == "<tests>" and step.tb_lineno <= len(lines):
            source = lines[step.tb_lineno - 1].strip()
        step = step.tb_next
    return (line + ": " + source)[:LONGEST_LINE] if line == "AssertionError" else line
