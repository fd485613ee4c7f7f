/* edge-image: open the image of a service, a file that nobody vouches for, with dm-verity.
 *
 *   edge-image open NAME FILE ROOT_HASH SALT DATA_BLOCKS   prints the block device that was made
 *   edge-image status NAME                                 0 while no block was ever found damaged
 *   edge-image close NAME
 *
 * A block that is not what the root hash stands for is an error for who reads it, never a restart: the
 * file is on the data partition, and whoever writes that could have a device restart for ever.
 *
 * Source: Linux Documentation/admin-guide/device-mapper/verity.rst, linux/dm-ioctl.h, linux/loop.h
 * (LOOP_CONFIGURE, from 5.8 on). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>

#define BLOCK_BYTES 4096
#define SECTORS_PER_BLOCK 8
#define TRIES 64 /* others may take the loop device that was free */
#define PREFIX "service-"

static union {
  struct dm_ioctl head;
  char bytes[4096];
} request;

static void fail(const char *what) {
  fprintf(stderr, "edge-image: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int control(void) {
  int file = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
  if (file < 0) fail("/dev/mapper/control");
  return file;
}

static void begin(const char *name) {
  memset(&request, 0, sizeof request);
  request.head.version[0] = DM_VERSION_MAJOR;
  request.head.data_size = sizeof request;
  request.head.data_start = sizeof request.head;
  request.head.flags = DM_READONLY_FLAG;
  snprintf(request.head.name, sizeof request.head.name, PREFIX "%s", name);
}

/* A file itself, never a link or a device that somebody put in its place. */
static int open_image(const char *path) {
  struct stat found;
  int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0 || fstat(file, &found)) fail(path);
  errno = EINVAL;
  if (!S_ISREG(found.st_mode) || found.st_size % BLOCK_BYTES) fail(path);
  return file;
}

/* Returns a descriptor of the loop device; the device is gone when nobody uses it any more. */
static int open_loop(int image, char *path, size_t size) {
  int loops = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (loops < 0) fail("/dev/loop-control");
  struct loop_config config = {
      .fd = image,
      .block_size = BLOCK_BYTES,
      .info = {.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR},
  };
  for (int tried = 0; tried < TRIES; tried++) {
    int number = ioctl(loops, LOOP_CTL_GET_FREE);
    if (number < 0) break;
    snprintf(path, size, "/dev/loop%d", number);
    int loop = open(path, O_RDONLY | O_CLOEXEC);
    if (loop >= 0 && !ioctl(loop, LOOP_CONFIGURE, &config)) {
      close(loops);
      return loop;
    }
    if (loop >= 0) close(loop);
    if (errno != EBUSY && errno != ENOENT && errno != ENXIO) break;
    usleep(10000);
  }
  fail("loop device");
  return -1;
}

static int is_hex(const char *text, size_t least, size_t most) {
  size_t length = strlen(text);
  return length >= least && length <= most && strspn(text, "0123456789abcdef") == length;
}

static void fill_table(const char *device, const char *root_hash, const char *salt, long blocks) {
  struct dm_target_spec *target = (void *)(request.bytes + sizeof request.head);
  char *table = (char *)(target + 1);
  size_t room = sizeof request - sizeof request.head - sizeof *target;
  request.head.target_count = 1;
  target->length = (unsigned long long)blocks * SECTORS_PER_BLOCK;
  strcpy(target->target_type, "verity");
  int length = snprintf(table, room, "1 %s %s 4096 4096 %ld %ld sha256 %s %s", device, device,
                        blocks, blocks, root_hash, salt);
  errno = EINVAL;
  if (length < 0 || (size_t)length >= room) fail("verity table");
  target->next = (sizeof *target + length + 1 + 7) & ~7u;
}

static int open_device(const char *name, const char *file, const char *root_hash, const char *salt,
                       const char *blocks_word) {
  char path[32], *end;
  long blocks = strtol(blocks_word, &end, 10);
  errno = EINVAL;
  if (!is_hex(root_hash, 64, 64) || (strcmp(salt, "-") && !is_hex(salt, 2, 512)) || *end ||
      blocks < 1 || blocks > 1L << 28)
    fail("what opens the image");
  int loop = open_loop(open_image(file), path, sizeof path);
  int mapper = control();
  begin(name);
  if (ioctl(mapper, DM_DEV_CREATE, &request)) fail("dm create");
  unsigned number = minor(request.head.dev);
  begin(name);
  fill_table(path, root_hash, salt, blocks);
  if (!ioctl(mapper, DM_TABLE_LOAD, &request)) {
    begin(name);
    if (!ioctl(mapper, DM_DEV_SUSPEND, &request)) { /* without its flag: resume */
      close(loop);
      printf("/dev/dm-%u\n", number);
      return 0;
    }
  }
  int reason = errno;
  begin(name);
  ioctl(mapper, DM_DEV_REMOVE, &request);
  errno = reason;
  fail("dm-verity");
  return 1;
}

static int status(const char *name) {
  begin(name);
  if (ioctl(control(), DM_TABLE_STATUS, &request)) fail(name);
  struct dm_target_spec *target = (void *)(request.bytes + request.head.data_start);
  return request.head.target_count == 1 && *(char *)(target + 1) == 'V' ? 0 : 1;
}

static int close_device(const char *name) {
  begin(name);
  if (ioctl(control(), DM_DEV_REMOVE, &request) && errno != ENXIO) fail(name);
  return 0;
}

int main(int count, char **words) {
  if (count == 7 && !strcmp(words[1], "open"))
    return open_device(words[2], words[3], words[4], words[5], words[6]);
  if (count == 3 && !strcmp(words[1], "status")) return status(words[2]);
  if (count == 3 && !strcmp(words[1], "close")) return close_device(words[2]);
  fprintf(stderr, "usage: edge-image open NAME FILE ROOT_HASH SALT DATA_BLOCKS | status NAME | close NAME\n");
  return 2;
}
