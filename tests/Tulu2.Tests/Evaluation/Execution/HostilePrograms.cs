using Tulu2.Evaluation.Requests;

namespace Tulu2.Tests.Evaluation.Execution;

/// <summary>
/// Programs that do harm or cheat. None may pass the check, which wants <see cref="Secret"/> from the function <c>f</c>. <c>{canary}</c> stands for a file of the
/// test's, <c>{port}</c> for a port that it listens at, <c>{pid}</c> for a process of its own.
/// </summary>
internal static partial class HostilePrograms
{
    public const string Secret = "the-secret-result";

    public sealed record Sample(string Name, CodeEnd[] Ends, string Source, double Seconds = 20);

    private static readonly CodeEnd[] Failed = [CodeEnd.Failed], TimedOut = [CodeEnd.TimedOut];
    private static readonly CodeEnd[] OutOfMemory = [CodeEnd.OutOfMemory], OutputLimit = [CodeEnd.OutputLimit];
    private static readonly CodeEnd[] FailedOrKilled = [CodeEnd.Failed, CodeEnd.Killed, CodeEnd.OutOfMemory];

    public static IReadOnlyList<Sample> All => [.. Harms, .. Cheats];

    // What could hurt the machine or its user.
    private static Sample[] Harms =>
    [
        new("fork bomb", Failed, """
            import os
            def f():
                while True:
                    os.fork()
            """),
        new("fork bomb that goes on", TimedOut, """
            import os
            def f():
                while True:
                    try:
                        os.fork()
                    except OSError:
                        pass
            """, 1),
        new("child by subprocess", Failed, """
            import subprocess
            def f():
                return subprocess.check_output(["/bin/echo", "the-secret-result"], text=True).strip()
            """),
        new("another program in its place", Failed, """
            import os, sys
            def f():
                os.execv(sys.executable, ["python3", "-c", "while True: pass"])
            """),
        new("thread bomb", Failed, """
            import threading, time
            def f():
                while True:
                    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            """),
        new("thread bomb that goes on", TimedOut, """
            import threading, time
            threading.stack_size(32768)
            def f():
                while True:
                    try:
                        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
                    except RuntimeError:
                        pass
            """, 1),
        new("memory bomb at once", OutOfMemory, """
            def f():
                return len(bytearray(1 << 40))
            """),
        new("memory bomb step by step", OutOfMemory, """
            def f():
                held = []
                while True:
                    held.append(bytearray(1 << 22))
            """),
        new("memory bomb that catches its errors", TimedOut, """
            def f():
                held = []
                while True:
                    try:
                        held.append(bytearray(1 << 22))
                    except BaseException:
                        pass
            """, 1),
        new("memory bomb of shared memory", [CodeEnd.Failed, CodeEnd.OutOfMemory], """
            import mmap
            def f():
                held = []
                while True:
                    held.append(mmap.mmap(-1, 1 << 26))
                    held[-1].write(b"x" * (1 << 26))
            """),
        new("endless output", OutputLimit, """
            def f():
                while True:
                    print("x" * 1000)
            """),
        new("endless output of errors", OutputLimit, """
            import os
            while True:
                os.write(2, b"x" * 1000)
            """),
        new("a result without end", [CodeEnd.OutputLimit, CodeEnd.OutOfMemory], """
            def f():
                return "x" * (100 << 20)
            """),
        new("an iterator without end", [CodeEnd.Failed, CodeEnd.OutputLimit, CodeEnd.OutOfMemory, CodeEnd.TimedOut], """
            import itertools
            def f():
                return itertools.repeat("x")
            """),
        new("endless loop", TimedOut, """
            def f():
                while True:
                    pass
            """, 1),
        new("endless loop before the function", TimedOut, """
            while True:
                pass
            """, 1),
        new("endless loop that ignores all signals", TimedOut, """
            import signal
            for number in range(1, 65):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            def f():
                while True:
                    try:
                        while True:
                            pass
                    except BaseException:
                        pass
            """, 1),
        new("stops itself", TimedOut, """
            import os, signal
            def f():
                os.kill(os.getpid(), signal.SIGSTOP)
                return "the-secret-result"
            """, 1),
        new("sleeps", TimedOut, """
            import time
            def f():
                time.sleep(1000)
            """, 1),
        new("recursion", Failed, """
            def f():
                return f()
            """),
        new("recursion without its limit", [.. FailedOrKilled, CodeEnd.TimedOut], """
            import sys
            sys.setrecursionlimit(10 ** 9)
            def f():
                return f()
            """, 3),
        new("recursion in C", FailedOrKilled, """
            def f():
                x = []
                for _ in range(10 ** 6):
                    x = [x]
                return x
            """),
        new("deletes all files", Failed, """
            import os, shutil
            def f():
                shutil.rmtree("/", ignore_errors=True)
                os.remove("{canary}")
            """),
        new("writes outside", Failed, """
            def f():
                with open("{canary}", "w") as file:
                    file.write("gone")
            """),
        new("writes to the libraries", Failed, """
            import os
            def f():
                with open(os.__file__, "a") as file:
                    file.write("import evil")
            """),
        new("makes its root writable", Failed, """
            import ctypes
            def f():
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.mount(None, b"/", None, 32, None) or libc.unshare(0x10000000):
                    raise OSError(ctypes.get_errno(), "refused")
                return "the-secret-result"
            """),
        new("fills its folder", Failed, """
            def f():
                for number in range(10 ** 6):
                    with open("file%d" % number, "wb") as file:
                        file.write(bytes(1 << 20))
            """),
        new("opens files without end", Failed, """
            def f():
                held = []
                while True:
                    held.append(open("/dev/null"))
            """),
        new("opens a socket", Failed, """
            import socket
            def f():
                socket.create_connection(("127.0.0.1", {port}), 1).sendall(b"hello")
                return "the-secret-result"
            """),
        new("opens a socket by system call", Failed, """
            import ctypes
            def f():
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.socket(2, 1, 0) < 0 and libc.syscall(41, 2, 1, 0) < 0 and libc.syscall(198, 2, 1, 0) < 0:
                    raise OSError(ctypes.get_errno(), "refused")
                return "the-secret-result"
            """),
        new("reads the user's file", Failed, """
            def f():
                return open("{canary}").read()
            """),
        new("reads passwords", Failed, """
            def f():
                return open("/etc/shadow").read()
            """),
        new("looks at home", Failed, """
            import os
            def f():
                found = [path for path in ("/home", os.path.expanduser("~root"), os.path.expanduser("~"), "/mnt", "/srv") if os.path.exists(path) and os.listdir(path)]
                raise LookupError(found)
            """),
        new("looks at other processes", Failed, """
            import os
            def f():
                return [open("/proc/%s/environ" % pid).read() for pid in os.listdir("/proc") if pid.isdigit()]
            """),
        new("kills its parents", Failed, """
            import os, signal
            def f():
                done = []
                for pid in (os.getppid(), 1, 0, -1, 2, 3, {pid}):
                    try:
                        if pid != os.getpid():
                            os.kill(pid, signal.SIGKILL)
                            done.append(pid)
                    except OSError:
                        pass
                if not done:
                    raise OSError("refused")
                return "the-secret-result"
            """),
        new("kills its judge by a descriptor's signal", Failed, """
            import fcntl, os
            def f():
                for pid in range(1, 10):
                    r, w = os.pipe()
                    fcntl.fcntl(r, 10, 9)
                    fcntl.fcntl(r, fcntl.F_SETOWN, pid)
                    fcntl.fcntl(r, fcntl.F_SETFL, fcntl.fcntl(r, fcntl.F_GETFL) | os.O_ASYNC)
                    os.write(w, b"x")
            """),
        new("attaches to its judge", Failed, """
            import ctypes
            def f():
                libc = ctypes.CDLL(None, use_errno=True)
                if all(libc.ptrace(16, pid, None, None) for pid in range(1, 10)):
                    raise OSError(ctypes.get_errno(), "refused")
                return "the-secret-result"
            """),
        new("waits for input", Failed, """
            def f():
                return input()
            """),
    ];
}
