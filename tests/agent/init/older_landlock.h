/* Landlock as a kernel has it that knows VERSION only, before the one that is really there.
 *
 * Included ahead of confine.c, so that its system calls come here. An older kernel refuses what it
 * does not know: bits with EINVAL, more of a structure than it has with E2BIG.
 *
 * Source: Linux 6.12, security/landlock/syscalls.c (copy_min_struct_from_user) and limits.h. */
#include "bare.h"

static long older_call(long number, long a, long b, long c, long d) {
  static const uint64_t files[] = {0, 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff, 0xffff};
  const uint64_t known[] = {files[VERSION], VERSION >= 4 ? 3 : 0, VERSION >= 6 ? 3 : 0};
  if (number == SYS_LANDLOCK_CREATE && c == 1) return VERSION;
  if (number == SYS_LANDLOCK_CREATE) {
    const uint64_t *asked = (const uint64_t *)a;
    size_t members = VERSION >= 6 ? 3 : VERSION >= 4 ? 2 : 1;
    for (size_t i = 0; i < (size_t)b / sizeof *asked; i++)
      if (asked[i] & ~known[i]) return i < members ? -22 : -7;
  }
  return call(number, a, b, c, d);
}
#define call older_call
