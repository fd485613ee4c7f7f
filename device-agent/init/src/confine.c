/* edge-confine WORD... -- PROGRAM [ARGUMENT...]: run a program that Landlock holds to its words.
 *
 *   read:PATH     files below may be read, folders listed
 *   execute:PATH  and run
 *   write:PATH    read, written, made, renamed and removed; no device nodes are made, nothing is run
 *   use:PATH      what is there may be read, written and given commands: for /dev and /proc
 *   bind, connect           no TCP port may be listened on, connected to ...
 *   bind:PORT, connect:PORT ... but this one
 *   no-sockets    no abstract Unix socket of another may be connected to, where the kernel can
 *
 * It is the first program of a container and gives way to the service's. What was asked for holds, or
 * nothing is run: a kernel without Landlock, or with one that knows less than files need (3, Linux
 * 6.2) or ports need (4, Linux 6.7), ends it with status 126. A path on which a link stands is
 * refused: a service could have put it there, to be given what it points to at its next start. A
 * path that is not there gives nothing.
 *
 * Source: Linux 6.12, Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h. */
#include "bare.h"

enum {
  EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3,
  REMOVE_DIR = 1 << 4, REMOVE_FILE = 1 << 5, MAKE_CHAR = 1 << 6, MAKE_DIR = 1 << 7,
  MAKE_REG = 1 << 8, MAKE_SOCK = 1 << 9, MAKE_FIFO = 1 << 10, MAKE_BLOCK = 1 << 11,
  MAKE_SYM = 1 << 12, REFER = 1 << 13, TRUNCATE = 1 << 14, IOCTL_DEV = 1 << 15,
  READ = READ_FILE | READ_DIR,
  USE = READ | WRITE_FILE | TRUNCATE | IOCTL_DEV,
  WRITE = USE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER,
  ALL = (1 << 16) - 1,
  OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV,
  BIND = 1 << 0, CONNECT = 1 << 1,
  ABSTRACT_SOCKETS = 1 << 0,
};
enum { FILES_SINCE = 3, PORTS_SINCE = 4, COMMANDS_SINCE = 5, SOCKETS_SINCE = 6 };
enum { RULE_PATH = 1, RULE_PORT = 2, ASK_VERSION = 1, NO_NEW_PRIVILEGES = 38, HERE = -100 };
enum { O_PATH_CLOEXEC = 010000000 | 02000000 };
#if defined __aarch64__
enum { O_FOLDER = 040000 };
#else
enum { O_FOLDER = 0200000 };
#endif

struct ruleset { uint64_t files, ports, scoped; };
struct path_rule { uint64_t allowed; int32_t folder; } __attribute__((packed));
struct port_rule { uint64_t allowed, port; };
struct how { uint64_t flags, mode, resolve; };

static _Noreturn void fail(const char *what, long error) {
  say("edge-confine: ");
  say(what);
  if (error == -E_NOENT) say(": not there");
  else if (error == -E_ACCES) say(": refused");
  else if (error == -E_LOOP) say(": a link is in the way");
  else if (error == -E_NOSYS || error == -E_OPNOTSUPP) say(": this kernel has no Landlock, or it is off");
  else if (error) { say(": error "); say_number(-error); }
  say("\n");
  leave(error == -E_NOENT ? 127 : 126);
}

static long rights_of(const char *word, const char **path) {
  static const struct { const char *prefix; long rights; } kinds[] = {
      {"read:", READ}, {"execute:", READ | EXECUTE}, {"write:", WRITE}, {"use:", USE}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if ((*path = after(word, kinds[i].prefix))) return kinds[i].rights;
  return 0;
}

/* A kind of port access; `port` is -1 for the word alone, which only forbids. */
static long access_of(const char *word, long *port) {
  const char *rest = after(word, "bind");
  long access = rest ? BIND : CONNECT;
  if (!rest && !(rest = after(word, "connect"))) return 0;
  *port = -1;
  if (!*rest) return access;
  if (*rest++ != ':' || !*rest) return 0;
  for (*port = 0; *rest; rest++) {
    if (*rest < '0' || *rest > '9' || (*port = *port * 10 + *rest - '0') > 65535) return 0;
  }
  return access;
}

/* Return a descriptor of the path; `rights` loses those that only a folder can have. */
static long opened(const char *path, long *rights) {
  struct how how = {O_PATH_CLOEXEC | O_FOLDER, 0, 0x04 | 0x02 /* no links of any kind */};
  long found = call(SYS_OPENAT2, HERE, (long)path, (long)&how, sizeof how);
  if (found != -E_NOTDIR) return found;
  how.flags = O_PATH_CLOEXEC;
  *rights &= OF_A_FILE;
  return call(SYS_OPENAT2, HERE, (long)path, (long)&how, sizeof how);
}

static void add_path(long rules, const char *path, long rights) {
  long found = opened(path, &rights);
  if (found == -E_NOENT || found == -E_NOTDIR) {
    say("edge-confine: ");
    say(path);
    say(": not there, so nothing is allowed there\n");
    return;
  }
  if (found < 0) fail(path, found);
  struct path_rule rule = {rights, found};
  long error = call(SYS_LANDLOCK_ADD, rules, RULE_PATH, (long)&rule, 0);
  if (error) fail(path, error);
  call(SYS_CLOSE, found, 0, 0, 0);
}

static void add(long rules, const char *word, const struct ruleset *handled) {
  const char *path;
  long port, rights = rights_of(word, &path);
  if (rights) return add_path(rules, path, rights & handled->files);
  long access = access_of(word, &port);
  if (!access || port < 0) return;
  struct port_rule rule = {access, port};
  long error = call(SYS_LANDLOCK_ADD, rules, RULE_PORT, (long)&rule, 0);
  if (error) fail(word, error);
}

/* What is forbidden but for the rules, as the words and the kernel have it. */
static struct ruleset handled_by(char **words, long version) {
  struct ruleset handled = {version >= COMMANDS_SINCE ? ALL : ALL & ~IOCTL_DEV, 0, 0};
  for (; *words; words++) {
    const char *path;
    long port, access;
    if (rights_of(*words, &path)) continue;
    const char *rest = after(*words, "no-sockets");
    if (rest && !*rest) {
      if (version >= SOCKETS_SINCE) handled.scoped = ABSTRACT_SOCKETS;
    } else if ((access = access_of(*words, &port))) {
      if (version < PORTS_SINCE) fail("ports: the Landlock of this kernel is too old", 0);
      handled.ports |= access;
    } else {
      fail(*words, -22);
    }
  }
  return handled;
}

static void confine(char **words) {
  long version = call(SYS_LANDLOCK_CREATE, 0, 0, ASK_VERSION, 0);
  if (version < 0) fail("files", version);
  if (version < FILES_SINCE) fail("files: the Landlock of this kernel is too old", 0);
  struct ruleset handled = handled_by(words, version);
  long rules = call(SYS_LANDLOCK_CREATE, (long)&handled, sizeof handled, 0, 0);
  if (rules < 0) fail("rules", rules);
  for (; *words; words++) add(rules, *words, &handled);
  long error = call(SYS_PRCTL, NO_NEW_PRIVILEGES, 1, 0, 0);
  if (!error) error = call(SYS_LANDLOCK_RESTRICT, rules, 0, 0, 0);
  if (error) fail("rules", error);
  call(SYS_CLOSE, rules, 0, 0, 0);
}

/* Run a program that PATH names, as execvp(3) does; it comes back only with an error. */
static long run_from(const char *search, char **arguments, char **environment) {
  static char place[4096];
  size_t name = length(*arguments);
  long result = -E_NOENT;
  while (search && *search) {
    size_t count = 0;
    while (search[count] && search[count] != ':') count++;
    if (count + name + 2 <= sizeof place) {
      char *to = place;
      for (size_t i = 0; i < count; i++) *to++ = search[i];
      *to++ = '/';
      for (size_t i = 0; i <= name; i++) *to++ = (*arguments)[i];
      long error = call(SYS_EXECVE, (long)place, (long)arguments, (long)environment, 0);
      if (error != -E_NOENT && error != -E_NOTDIR) result = error;
    }
    search += count + (search[count] == ':');
  }
  return result;
}

static long run(char **arguments, char **environment) {
  for (const char *at = *arguments; *at; at++)
    if (*at == '/') return call(SYS_EXECVE, (long)*arguments, (long)arguments, (long)environment, 0);
  const char *search = NULL;
  for (char **one = environment; *one && !search; one++) search = after(*one, "PATH=");
  return run_from(search, arguments, environment);
}

__attribute__((used)) _Noreturn void start(long *stack) {
  char **words = (char **)stack + 1, **environment = words + *stack + 1, **end = words;
  while (*end && !((*end)[0] == '-' && (*end)[1] == '-' && !(*end)[2])) end++;
  if (!*words || !*end || !end[1]) fail("usage: edge-confine WORD... -- PROGRAM [ARGUMENT...]", 0);
  *end = NULL;
  confine(words + 1);
  fail(end[1], run(end + 1, environment));
}
