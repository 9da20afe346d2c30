"""The seccomp filter: a list of what a program may call. What isn't on it doesn't exist (ENOSYS) or is refused (EPERM)."""
import ctypes
import errno
import os
import struct

# Changes of the file system: within the sandbox they meet a small private folder; without one they are refused.
CHANGES = {
    "truncate", "ftruncate", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "link", "linkat",
    "symlink", "symlinkat", "chmod", "fchmod", "fchmodat", "utimensat", "copy_file_range", "fsync", "fdatasync", "flock",
}
# Refused with "operation not permitted", so that a program's error says so. All else that isn't allowed looks like an older kernel, to
# which the C library has an answer.
REFUSED = {
    "fork", "vfork", "execve", "execveat", "socket", "socketpair", "ptrace", "mount", "umount2", "pivot_root", "unshare", "setns", "chroot",
    "bpf", "keyctl", "add_key", "request_key", "perf_event_open", "process_vm_readv", "process_vm_writev", "io_uring_setup", "userfaultfd",
    "kexec_load", "kexec_file_load", "open_by_handle_at", "memfd_create", "shmget", "msgget", "semget", "mq_open", "capset",
    "mount_setattr", "pidfd_open", "pidfd_getfd",
}
BY_ARGUMENT = {"clone", "fcntl", "kill", "tgkill", "prlimit64", "ioctl", "prctl", "open", "openat"}
MISSING = {"clone3", "tkill"}

ALLOW, REFUSE, NO_SUCH_CALL, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS, 0x80000000
LOAD, EQUAL, ANY_BIT, AT_LEAST, RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
CLONE_THREAD, CLONE_NEW = 0x00010000, 0x7E020000
OPEN_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
TERMINAL_ATTRIBUTES, WINDOW_SIZE, BYTES_READY = 0x5401, 0x5413, 0x541B
CLOSE_ON_EXEC, NOT_CLOSE_ON_EXEC, NON_BLOCKING = 0x5451, 0x5450, 0x5421
SET_NAME, GET_NAME, NAME_MEMORY = 15, 16, 0x53564D41
SET_OWNER, SET_SIGNAL, SET_OWNER_EX = 8, 10, 15  # By these a descriptor sends a signal to any process of the same user.


def argument(index):
    return [(LOAD, 0, 0, 16 + 8 * index)]  # The low half: all arguments looked at have 32 bits.


def one_of(index, values):
    code = argument(index)
    for value in values:
        code += [(EQUAL, 0, 1, value), (RETURN, 0, 0, ALLOW)]
    return code + [(RETURN, 0, 0, REFUSE)]


OWN_PID = 0x7ACE7ACE  # Stands in a filter for the number of the process, which is known only in it.
FILTERS = {}  # Packed, by (threads, changes); filled before the launcher's first fork.


def none_of(index, values):
    code = argument(index)
    for value in values:
        code += [(EQUAL, 0, 1, value), (RETURN, 0, 0, REFUSE)]
    return code + [(RETURN, 0, 0, ALLOW)]


def build_filter(own_pid, threads, changes):
    """The instructions. threads: whether the process may start threads. changes: whether it may change files."""
    column, architecture = machine()
    code = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    if column == X86_64:  # Not the calls of the x32 interface, which have numbers of their own.
        code += [(AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, KILL)]
    by_argument = {
        "clone": argument(0) + [(ANY_BIT, 0, 1, CLONE_NEW), (RETURN, 0, 0, REFUSE),
                                (ANY_BIT, 0, 1, CLONE_THREAD), (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)],
        "kill": one_of(0, [own_pid]), "tgkill": one_of(0, [own_pid]), "prlimit64": one_of(0, [0, own_pid]),
        "ioctl": one_of(1, [TERMINAL_ATTRIBUTES, WINDOW_SIZE, BYTES_READY, CLOSE_ON_EXEC, NOT_CLOSE_ON_EXEC, NON_BLOCKING]),
        "fcntl": none_of(1, [SET_OWNER, SET_SIGNAL, SET_OWNER_EX]),
        "prctl": one_of(0, [SET_NAME, GET_NAME, NAME_MEMORY]),
        "open": argument(1) + [(ANY_BIT, 0, 1, OPEN_TO_WRITE), (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)],
        "openat": argument(2) + [(ANY_BIT, 0, 1, OPEN_TO_WRITE), (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)],
    }
    if not threads:
        by_argument["clone"] = [(RETURN, 0, 0, REFUSE)]
    if changes:
        by_argument["open"] = by_argument["openat"] = [(RETURN, 0, 0, ALLOW)]
    for name in CALLS:
        value = number(name)
        if value is None or name in MISSING:
            continue
        refused = name in REFUSED or (name in CHANGES and not changes)
        block = by_argument[name] if name in BY_ARGUMENT else [(RETURN, 0, 0, REFUSE if refused else ALLOW)]
        code += [(EQUAL, 0, len(block), value)] + block
    return code + [(RETURN, 0, 0, NO_SUCH_CALL)]


def prepare_filters():
    for threads in (False, True):
        for changes in (False, True):
            code = build_filter(OWN_PID, threads, changes)
            FILTERS[threads, changes] = b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def install_filter(threads, changes):
    """From here on this process, and all its threads, calls nothing else. There is no way back."""
    code = FILTERS[threads, changes].replace(struct.pack("=I", OWN_PID), struct.pack("=I", os.getpid()))
    packed = ctypes.create_string_buffer(code)
    program = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(packed)))
    call("no new privileges", "prctl", 38, 1, 0, 0, 0)
    call("seccomp filter", "prctl", 22, 2, ctypes.addressof(program), 0, 0)
