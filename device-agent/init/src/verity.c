/* Open a dm-verity device with three ioctls: what `veritysetup open` does, without its libraries.
 *
 * Source: Linux Documentation/admin-guide/device-mapper/verity.rst and linux/dm-ioctl.h. The tree
 * stands right behind the data in the same partition, in blocks of 4096 bytes, without superblock.
 * `restart_on_corruption` turns a bad block into a restart, which costs the slot a try. */
#include "initramfs.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/dm-ioctl.h>

#define SECTORS_PER_BLOCK 8

static union {
  struct dm_ioctl head;
  char bytes[4096];
} request;

static void start(const char *name) {
  memset(&request, 0, sizeof request);
  request.head.version[0] = DM_VERSION_MAJOR;
  request.head.data_size = sizeof request;
  request.head.data_start = sizeof request.head;
  request.head.flags = DM_READONLY_FLAG;
  snprintf(request.head.name, sizeof request.head.name, "%s", name);
}

static void fill_table(const char *device, const char *conf) {
  char blocks[32], root_hash[80], salt[80];
  errno = EINVAL;
  if (!value_of(conf, "data_blocks=", blocks, sizeof blocks) ||
      !value_of(conf, "root_hash=", root_hash, sizeof root_hash) ||
      !value_of(conf, "salt=", salt, sizeof salt))
    give_up("/slot.conf");
  struct dm_target_spec *target = (void *)(request.bytes + sizeof request.head);
  char *table = (char *)(target + 1);
  size_t room = sizeof request - sizeof request.head - sizeof *target;
  request.head.target_count = 1;
  target->length = strtoull(blocks, 0, 10) * SECTORS_PER_BLOCK;
  strcpy(target->target_type, "verity");
  int length = snprintf(table, room,
                        "1 /dev/%s /dev/%s 4096 4096 %s %s sha256 %s %s "
                        "2 restart_on_corruption ignore_zero_blocks",
                        device, device, blocks, blocks, root_hash, salt);
  if (length < 0 || (size_t)length >= room) give_up("verity table");
  target->next = (sizeof *target + length + 1 + 7) & ~7u;
}

void open_verity(const char *name, const char *device, const char *conf) {
  int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
  if (control < 0) give_up("/dev/mapper/control");
  start(name);
  if (ioctl(control, DM_DEV_CREATE, &request)) give_up("dm create");
  start(name);
  fill_table(device, conf);
  if (ioctl(control, DM_TABLE_LOAD, &request)) give_up("dm-verity table");
  start(name);
  if (ioctl(control, DM_DEV_SUSPEND, &request)) give_up("dm resume");
  close(control);
}
