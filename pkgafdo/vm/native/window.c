/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * window N PROGRAM [ARGUMENT…]: run a program in the guest between the two marks of window N (0 … 255) that
 * the virtual LBR looks for. Exits as the program did (128 + signal when it was killed).
 *
 * Static and without libc: it must run before anything else works, and its own cost inside the window is one
 * fork, one exec and one wait.
 */
#define SYS_fork 57
#define SYS_execve 59
#define SYS_exit 60
#define SYS_wait4 61

static long call(long number, long a, long b, long c, long d)
{
	long result;
	register long r10 __asm__("r10") = d;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

/* 1024 marks of 9 bytes: nopl 0x564c0000+i(%rax,%rax,1); ret. Must match MARK in vlbr.c. */
__asm__(".text\nmarks:\n.set i, 0\n.rept 1024\n"
	".byte 0x0f, 0x1f, 0x84, 0x00\n.long 0x564c0000 + i\nret\n.set i, i + 1\n.endr\n");
extern const char marks[];

static void mark(unsigned int operation, unsigned int window)
{
	((void (*)(void))(marks + 9 * (operation << 8 | window)))();
}

static unsigned int parse(const char *text)
{
	unsigned int value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + (unsigned int)(*text++ - '0');
	return value & 0xff;
}

__attribute__((used)) static void begin(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1);
	char **envp = argv + argc + 1;
	int status = 0;

	if (argc < 3)
		call(SYS_exit, 125, 0, 0, 0);
	unsigned int window = parse(argv[1]);
	mark(1, window);
	long pid = call(SYS_fork, 0, 0, 0, 0);
	if (pid == 0) {
		call(SYS_execve, (long)argv[2], (long)(argv + 2), (long)envp, 0);
		call(SYS_exit, 127, 0, 0, 0);
	}
	if (pid > 0)
		call(SYS_wait4, pid, (long)&status, 0, 0);
	mark(2, window);
	call(SYS_exit, pid < 0 ? 125 : status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff, 0, 0, 0);
}

__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n\thlt\n");
