/* What a program without a C library needs: system calls, its start, text on descriptor 2.
 *
 * For programs that are shown inside of containers: they may need nothing of the image there, and a
 * static C library would cost 600 KB. arm64 is what devices have; x86-64 is for tests on the host.
 *
 * Source: Linux, include/uapi/asm-generic/unistd.h and arch/x86/entry/syscalls/syscall_64.tbl;
 * AAPCS64 6.1 and System V ABI for x86-64 3.4.1 (what is on the stack at the start). */
#pragma once
#include <stddef.h>
#include <stdint.h>

#if defined __aarch64__
enum { SYS_WRITE = 64, SYS_CLOSE = 57, SYS_EXIT_GROUP = 94, SYS_EXECVE = 221, SYS_PRCTL = 167 };
__asm__(".globl _start\n_start: mov x29, #0\n mov x0, sp\n bl start\n");

static long call(long number, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = 0;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
}
#elif defined __x86_64__
enum { SYS_WRITE = 1, SYS_CLOSE = 3, SYS_EXIT_GROUP = 231, SYS_EXECVE = 59, SYS_PRCTL = 157 };
__asm__(".globl _start\n_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call start\n");

static long call(long number, long a, long b, long c, long d) {
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = 0;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}
#else
#error "arm64, or x86-64 for tests"
#endif
/* These have one number everywhere. */
enum { SYS_OPENAT2 = 437, SYS_LANDLOCK_CREATE = 444, SYS_LANDLOCK_ADD = 445 };
enum { SYS_LANDLOCK_RESTRICT = 446 };
enum { E_NOENT = 2, E_ACCES = 13, E_NOTDIR = 20, E_NOSYS = 38, E_LOOP = 40, E_OPNOTSUPP = 95 };

static size_t length(const char *text) {
  size_t count = 0;
  while (text[count]) count++;
  return count;
}

static void say(const char *text) { call(SYS_WRITE, 2, (long)text, length(text), 0); }

static void say_number(long number) {
  char digits[24], *at = digits + sizeof digits - 1;
  *at = 0;
  do *--at = '0' + number % 10;
  while (number /= 10);
  say(at);
}

static _Noreturn void leave(int status) {
  for (;;) call(SYS_EXIT_GROUP, status, 0, 0, 0);
}

/* Return what follows `prefix` in `text`, or NULL. */
static const char *after(const char *text, const char *prefix) {
  while (*prefix)
    if (*text++ != *prefix++) return NULL;
  return text;
}
