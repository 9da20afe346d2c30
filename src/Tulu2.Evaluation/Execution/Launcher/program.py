"""The process of the program, which is not believed anything: it computes results and sends them to the tests' process."""
import os
import random
import sys
import traceback

LONGEST_LINE = 400


def confine(header, keep, isolated, threads):
    """Limits, the filter, and no descriptors but those to keep. From here on the process can harm nobody."""
    limit_resources(header["memory"], int(header["seconds"]) + 2, THREADS if threads else 0)
    try:
        install_filter(threads, isolated)
    except SetupFault:
        if isolated:
            raise
    last = 2
    for descriptor in sorted(keep):
        os.closerange(last + 1, descriptor)
        last = descriptor
    os.closerange(last + 1, 4096)
    random.seed(0)  # The same program has the same result each time, as far as that is in our hands.


def last_line(fault):
    """As Python prints it under a traceback, with the failed assertion itself where that has no text."""
    line = "".join(traceback.format_exception_only(type(fault), fault)).strip().splitlines()[-1]
    return line[:LONGEST_LINE]


def run_program(header, code, asked, answered, isolated, threads):
    """Never returns. code: prompt and completion. asked, answered: the pipes to the tests' process."""
    confine(header, (asked, answered), isolated, threads)
    names, entry = {}, header["entry"]
    try:
        exec(compile(code, "<program>", "exec"), names)
        if entry and entry not in names:
            raise NameError("name '%s' is not defined" % entry)
        function = names.get(entry)
        send(answered, {"ready": True})
    except BaseException as fault:
        send(answered, fault_message(fault))
    while True:
        try:
            arguments, options = unpack(receive(asked))
            before = [pack(value) for value in arguments]
            result = pack(function(*arguments, **options))
            after = [pack(value) for value in arguments]
            message = {"result": result}
            if after != before:
                message["arguments"] = after
            send(answered, message)
        except Gone:
            os._exit(0)
        except TooLong:
            send(answered, {"too_long": True})
        except BaseException as fault:
            send(answered, fault_message(fault))


def fault_message(fault):
    kind = type(fault)
    while kind.__module__ != "builtins":  # Tests know the built-in exceptions; a derived one is at least that.
        kind = kind.__base__
    try:
        text, line = str(fault), last_line(fault)
    except BaseException:
        text, line = "", kind.__name__
    return {"fault": kind.__name__, "text": text[:LONGEST_LINE], "line": line}
