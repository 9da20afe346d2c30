"""What the launcher asks of the kernel: system calls by name on x86-64 and arm64. Standard library only; Python 3.8 or later."""
import ctypes
import errno
import os
import sys

LIBC = ctypes.CDLL(None, use_errno=True)

# Numbers of linux/arch/x86/entry/syscalls/syscall_64.tbl and of asm-generic/unistd.h; None: the architecture has no such call.
X86_64, ARM64 = 0, 1
CALLS = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67), "pwrite64": (18, 68),
    "open": (2, None), "openat": (257, 56), "close": (3, 57), "close_range": (436, 436), "lseek": (8, 62),
    "stat": (4, None), "fstat": (5, 80), "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214), "mremap": (25, 216), "madvise": (28, 233),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137), "rt_sigsuspend": (130, 133), "sigaltstack": (131, 132),
    "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439), "pipe": (22, None), "pipe2": (293, 59),
    "select": (23, None), "pselect6": (270, 72), "poll": (7, None), "ppoll": (271, 73),
    "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, None), "epoll_pwait": (281, 22),
    "sched_yield": (24, 124), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "gettimeofday": (96, 169), "time": (201, None), "times": (100, 153), "getitimer": (36, 102), "setitimer": (38, 103),
    "alarm": (37, None), "pause": (34, None), "getpid": (39, 172), "gettid": (186, 178), "getppid": (110, 173),
    "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177), "getresuid": (118, 148),
    "getresgid": (120, 150), "getgroups": (115, 158), "getpgrp": (111, None), "getpgid": (121, 155), "getsid": (124, 156),
    "uname": (63, 160), "fcntl": (72, 25), "flock": (73, 32), "fsync": (74, 82), "fdatasync": (75, 83),
    "truncate": (76, 45), "ftruncate": (77, 46), "getdents64": (217, 61), "getcwd": (79, 17), "chdir": (80, 49), "fchdir": (81, 50),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276), "mkdir": (83, None), "mkdirat": (258, 34),
    "rmdir": (84, None), "unlink": (87, None), "unlinkat": (263, 35), "link": (86, None), "linkat": (265, 37),
    "symlink": (88, None), "symlinkat": (266, 36), "readlink": (89, None), "readlinkat": (267, 78),
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "umask": (95, 166), "utimensat": (280, 88),
    "futex": (202, 98), "set_robust_list": (273, 99), "get_robust_list": (274, 100), "set_tid_address": (218, 96), "rseq": (334, 293),
    "sched_getaffinity": (204, 123), "sched_getparam": (143, 121), "sched_getscheduler": (145, 120), "getrlimit": (97, 163),
    "getrusage": (98, 165), "sysinfo": (99, 179), "exit": (60, 93), "exit_group": (231, 94), "getrandom": (318, 278),
    "getcpu": (309, 168), "membarrier": (324, 283), "restart_syscall": (219, 128), "arch_prctl": (158, None), "eventfd2": (290, 19),
    "sendfile": (40, 71), "copy_file_range": (326, 285), "statfs": (137, 43), "fstatfs": (138, 44), "wait4": (61, 260), "waitid": (247, 95),
    "clone": (56, 220), "clone3": (435, 435), "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "kill": (62, 129), "tgkill": (234, 131), "tkill": (200, 130), "prlimit64": (302, 261), "ioctl": (16, 29), "prctl": (157, 167),
    "socket": (41, 198), "socketpair": (53, 199), "ptrace": (101, 117), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "unshare": (272, 97), "setns": (308, 268), "chroot": (161, 51), "bpf": (321, 280), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "perf_event_open": (298, 241), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "io_uring_setup": (425, 425), "userfaultfd": (323, 282), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "open_by_handle_at": (304, 265), "memfd_create": (319, 279), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
    "mq_open": (240, 180), "capset": (126, 91), "mount_setattr": (442, 442), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
}
MACHINES = {"x86_64": (X86_64, 0xC000003E), "aarch64": (ARM64, 0xC00000B7)}  # The second: AUDIT_ARCH_... of the seccomp data.


class SetupFault(Exception):
    """The sandbox can't be set up here: which step, and why."""

    def __init__(self, step, error):
        super().__init__("%s: %s" % (step, errno.errorcode.get(error, error) if error else "not known on this kind of machine"))


def machine():
    if os.uname().machine not in MACHINES or sys.byteorder != "little" or sys.maxsize < 2**32:
        raise SetupFault("system calls of " + os.uname().machine, 0)
    return MACHINES[os.uname().machine]


def number(name):
    return CALLS[name][machine()[0]]


def call(step, name, *arguments):
    """A system call of integers and bytes; its failure names the step."""
    given = [ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_long(value) for value in arguments]
    result = LIBC.syscall(ctypes.c_long(number(name)), *given)
    if result < 0:
        raise SetupFault(step, ctypes.get_errno())
    return result


def attempt(step, function, *arguments):
    """A function of os or resource, whose failure names the step."""
    try:
        return function(*arguments)
    except OSError as fault:
        raise SetupFault(step, fault.errno)
    except ValueError:
        raise SetupFault(step, errno.EPERM)
