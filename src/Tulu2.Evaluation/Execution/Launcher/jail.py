"""Namespaces of its own, a root with nothing in it but Python, no privileges, limits."""
import os
import resource
import signal
import struct
import sys

NOBODY = 65534
NEW_MOUNTS, NEW_CGROUP, NEW_UTS, NEW_IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEW_USER, NEW_PIDS, NEW_NET = 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
DETACH, EMPTY_PATH, WHOLE_TREE = 2, 0x1000, 0x8000
PARENT_DEATH_SIGNAL, DROP_FROM_BOUND, NO_NEW_PRIVILEGES, AMBIENT, CLEAR_ALL = 1, 24, 38, 47, 4
MIB = 1 << 20
FILES_MIB = 16  # The private folder, which is memory.
THREADS = 32


def python_folders():
    """What an interpreter reads while it runs: its library, and the libraries that its extension modules load."""
    wanted = [path for path in sys.path if os.path.isdir(path)]
    wanted += [os.path.join(prefix, "lib") for prefix in (sys.base_prefix, sys.base_exec_prefix)]
    wanted += ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache"]
    chosen = []
    for path in sorted(set(os.path.abspath(path) for path in wanted if os.path.exists(path)), key=len):
        if not any((path + "/").startswith(other + "/") for other in chosen):
            chosen.append(path)
    return chosen


def new_namespaces():
    call("user namespace (unshare)", "unshare",
         NEW_USER | NEW_MOUNTS | NEW_PIDS | NEW_NET | NEW_IPC | NEW_UTS | NEW_CGROUP)


def map_users(pid):
    """Called outside. Root becomes nobody, so that nothing of root's is the program's own; a user stays who he is, under another name.

    Returns whether the limit of processes, which root doesn't have, holds for the program."""
    user, group = os.geteuid(), os.getegid()
    maps = [("0 %d 1\n%d %d 1\n" % (user, NOBODY, NOBODY), "0 %d 1\n%d %d 1\n" % (group, NOBODY, NOBODY))] if user == 0 else []
    maps.append(("%d %d 1\n" % (NOBODY, user), "%d %d 1\n" % (NOBODY, group)))
    for users, groups in maps:
        try:
            if user != 0 or users is maps[-1][0]:
                write_file("/proc/%d/setgroups" % pid, "deny")
            write_file("/proc/%d/gid_map" % pid, groups)
            write_file("/proc/%d/uid_map" % pid, users)
            return user != 0 or users is not maps[-1][0]
        except OSError as fault:
            error = fault
    raise SetupFault("user namespace (uid_map)", error.errno)


def write_file(path, text):
    with open(path, "w") as file:
        file.write(text)


def mount(step, source, target, kind, flags, options=b""):
    call(step, "mount", source, target, kind, flags, options)


def protect(target, flags):
    """Sets flags of a mount and of all mounts below it (Linux 5.12 and later)."""
    attributes = struct.pack("=QQQQ", flags, 0, 0, 0)
    call("read-only mounts (mount_setattr, Linux 5.12)", "mount_setattr", -100, os.fsencode(target), WHOLE_TREE, attributes, len(attributes))


def new_root(folders):
    """Nothing of the host's files but what python_folders says, and that read-only; no /proc, no /sys, no /home."""
    mount("private mounts", b"none", b"/", b"", RECURSIVE | PRIVATE)
    devices = ["/dev/null", "/dev/zero", "/dev/urandom"]
    # Opened first: the new root is made on /tmp, which may be where Python is.
    opened = [(path, attempt("open " + path, os.open, path, os.O_PATH)) for path in folders + devices]
    root = "/tmp"
    mount("new root (mount)", b"tmpfs", os.fsencode(root), b"tmpfs", NO_SUID | NO_DEVICES, b"size=1m,nr_inodes=4096,mode=0755")
    for path, descriptor in opened:
        target = root + path
        if os.path.isdir("/proc/self/fd/%d" % descriptor):
            attempt("new root", os.makedirs, target, 0o755, True)
        else:
            attempt("new root", os.makedirs, os.path.dirname(target), 0o755, True)
            os.close(attempt("new root", os.open, target, os.O_CREAT | os.O_WRONLY, 0o644))
        mount("bind " + path, b"/proc/self/fd/%d" % descriptor, os.fsencode(target), b"", BIND | RECURSIVE)
        protect(target, READ_ONLY | NO_SUID | (0 if path in devices else NO_DEVICES))
        os.close(descriptor)
    attempt("new root", os.makedirs, root + "/tmp", 0o700, True)
    owner = NOBODY if can_be_nobody() else os.getuid()
    mount("private folder (mount)", b"tmpfs", os.fsencode(root + "/tmp"), b"tmpfs", NO_SUID | NO_DEVICES | NO_EXEC,
          b"size=%dm,nr_inodes=1024,mode=0700,uid=%d,gid=%d" % (FILES_MIB, owner, owner))
    os.chdir(root)
    call("new root (pivot_root)", "pivot_root", b".", b".")
    call("old root (umount)", "umount2", b".", DETACH)
    os.chdir("/")
    attributes = struct.pack("=QQQQ", READ_ONLY, 0, 0, 0)
    call("read-only root", "mount_setattr", -100, b"/", 0, attributes, len(attributes))
    os.chdir("/tmp")


def can_be_nobody():
    """Whether nobody is mapped. Before the root is changed."""
    with open("/proc/self/uid_map") as file:
        return any(int(line.split()[0]) == NOBODY for line in file)


def drop_privileges(nobody):
    if nobody and os.getuid() != NOBODY:
        attempt("setgroups", os.setgroups, [])
        attempt("setgid", os.setresgid, NOBODY, NOBODY, NOBODY)
    for capability in range(64):
        if LIBC.prctl(DROP_FROM_BOUND, capability, 0, 0, 0) != 0:
            break
    LIBC.prctl(AMBIENT, CLEAR_ALL, 0, 0, 0)
    if nobody and os.getuid() != NOBODY:
        attempt("setuid", os.setresuid, NOBODY, NOBODY, NOBODY)
    call("capset", "capset", struct.pack("=II", 0x20080522, 0), struct.pack("=6I", 0, 0, 0, 0, 0, 0))
    call("no new privileges", "prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def die_with_parent():
    call("parent death signal", "prctl", PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def limit_resources(memory, seconds, processes):
    """Of this process. seconds: of processor time; the wall clock is watched from outside."""
    limits = [
        ("RLIMIT_AS", memory), ("RLIMIT_CPU", seconds), ("RLIMIT_FSIZE", FILES_MIB * MIB), ("RLIMIT_NOFILE", 64), ("RLIMIT_CORE", 0),
        ("RLIMIT_STACK", 8 * MIB), ("RLIMIT_NPROC", processes), ("RLIMIT_MEMLOCK", 0), ("RLIMIT_MSGQUEUE", 0),
    ]
    for name, value in limits:
        if value is None:
            continue
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY and hard < value:
            value = hard
        attempt("limit " + name, resource.setrlimit, kind, (value, value))
