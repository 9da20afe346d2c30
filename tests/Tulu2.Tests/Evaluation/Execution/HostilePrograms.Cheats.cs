using Tulu2.Evaluation.Requests;

namespace Tulu2.Tests.Evaluation.Execution;

internal static partial class HostilePrograms
{
    // What could count as right and is not.
    private static Sample[] Cheats =>
    [
        new("ends itself as if all were well", Failed, """
            import sys
            def f():
                sys.exit(0)
            """),
        new("ends itself at once", Failed, """
            import os
            os._exit(0)
            """),
        new("ends its process in the test", Failed, """
            import os
            def f():
                os._exit(0)
            """),
        new("raises its own end", Failed, """
            class End(BaseException):
                pass
            def f():
                raise End("passed")
            """),
        new("says that it passed", [CodeEnd.Failed, CodeEnd.OutputLimit], """
            import os, sys
            print("passed")
            print('{"kind": "passed", "detail": ""}')
            for descriptor in range(3, 256):
                try:
                    os.write(descriptor, b'{"kind": "passed", "detail": ""}\n')
                except OSError:
                    pass
            sys.exit(0)
            """),
        new("sends rubbish to its judge", [CodeEnd.Failed, CodeEnd.OutputLimit], """
            import os
            def f():
                for descriptor in range(3, 256):
                    try:
                        os.write(descriptor, b"\xff" * 100)
                    except OSError:
                        pass
            """),
        new("sends wild values to its judge", Failed, """
            import json, os
            def f():
                text = json.dumps({"result": {"integer": 5, "tuple": []}}).encode()
                for descriptor in range(3, 256):
                    try:
                        os.write(descriptor, len(text).to_bytes(8, "little") + text)
                    except OSError:
                        pass
            """),
        new("leaves its judge alone", TimedOut, """
            import os
            def f():
                os.closerange(0, 256)
                while True:
                    pass
            """, 1),
        new("a result that equals all", Failed, """
            class All(str):
                def __eq__(self, other):
                    return True
                def __ne__(self, other):
                    return False
                def __hash__(self):
                    return 0
            def f():
                return All("x")
            """),
        new("a result without a kind that equals all", Failed, """
            class All:
                def __eq__(self, other):
                    return True
            def f():
                return All()
            """),
        new("changes what an assertion is", Failed, """
            import builtins, sys, threading
            builtins.AssertionError = Warning
            builtins.check = lambda *_: None
            def skip(frame, event, argument):
                if event == "line":
                    try:
                        frame.f_lineno = frame.f_lineno + 1
                    except ValueError:
                        pass
                return skip
            sys.settrace(skip)
            threading.settrace(skip)
            def f():
                return "wrong"
            """),
        new("searches memory for the result", Failed, """
            import gc, sys, types
            def f():
                seen, queue = set(), gc.get_objects()
                frame = sys._getframe()
                while frame:
                    queue += list(frame.f_globals.values()) + list(frame.f_locals.values()) + [frame.f_code]
                    frame = frame.f_back
                queue += sys.argv + getattr(sys, "orig_argv", [])
                wanted = "the-secret" + "-"
                while queue:
                    item = queue.pop()
                    if id(item) in seen:
                        continue
                    seen.add(id(item))
                    if isinstance(item, (str, bytes)):
                        text = item if isinstance(item, str) else item.decode("latin-1")
                        if wanted in text and text[text.index(wanted):].startswith(wanted + "result"):
                            return wanted + "result"
                    else:
                        queue += gc.get_referents(item)
                        if isinstance(item, types.CodeType):
                            queue += item.co_consts
                raise LookupError("nothing found")
            """),
        new("a handler for everything", Failed, """
            import atexit, faulthandler, os, signal, sys
            sys.excepthook = lambda *_: os._exit(0)
            atexit.register(lambda: os.write(1, b"passed"))
            for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGINT, signal.SIGSEGV):
                signal.signal(number, lambda *_: os._exit(0))
            def f():
                os.kill(os.getpid(), signal.SIGSEGV)
                return "wrong"
            """),
        new("text that is no program", Failed, "def f(:\n"),
        new("no function", Failed, "g = 1"),
        new("a null byte", Failed, "def f():\n    return 1 \0\n"),
    ];
}
