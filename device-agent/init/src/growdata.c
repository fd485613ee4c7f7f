/* edge-growdata DISK: make the last partition of a GPT disk reach to the end of the disk.
 *
 * An image is smaller than the card it is written to: the backup table then lies in the middle of
 * the disk. The table is moved to the disk's end and the last partition grown; the partition must
 * be called `data`, as no other may be touched. Prints what was done. The new backup is written and
 * synced before the primary: after a power cut at any point one whole table is there.
 *
 * Source: UEFI specification 2.10, 5.3 (GUID partition table). Integers are little endian. */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/blkpg.h>
#include <linux/fs.h>

#define SECTOR 512
#define ENTRIES 128
#define TABLE_SECTORS 32
#define ALIGN_SECTORS 2048

struct header {
  char signature[8];
  uint32_t revision, size, crc, reserved;
  uint64_t own_sector, other_sector, first_usable, last_usable;
  uint8_t guid[16];
  uint64_t table_sector;
  uint32_t entries, entry_size, table_crc;
} __attribute__((packed));

struct entry {
  uint8_t type[16], guid[16];
  uint64_t first, last, attributes;
  uint16_t name[36];
} __attribute__((packed));

static union {
  struct header head;
  uint8_t bytes[SECTOR];
} primary;
static struct entry table[ENTRIES];

static void fail(const char *what) {
  fprintf(stderr, "edge-growdata: %s: %s\n", what, errno ? strerror(errno) : "not as expected");
  exit(1);
}

static uint32_t crc32(const void *data, size_t length) {
  const uint8_t *byte = data;
  uint32_t crc = ~0u;
  while (length--) {
    crc ^= *byte++;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
  }
  return ~crc;
}

static void read_sectors(int disk, void *to, size_t length, uint64_t sector) {
  errno = 0;
  if (pread(disk, to, length, sector * SECTOR) != (ssize_t)length) fail("read");
}

static void write_sectors(int disk, const void *from, size_t length, uint64_t sector) {
  errno = 0;
  if (pwrite(disk, from, length, sector * SECTOR) != (ssize_t)length) fail("write");
}

static void seal(struct header *head) {
  head->table_crc = htole32(crc32(table, sizeof table));
  head->crc = 0;
  head->crc = htole32(crc32(head, sizeof *head));
}

static void check(struct header head) {
  uint32_t sealed = le32toh(head.crc);
  head.crc = 0;
  errno = 0;
  if (memcmp(head.signature, "EFI PART", 8) || le32toh(head.size) != sizeof head ||
      le32toh(head.entries) != ENTRIES || le32toh(head.entry_size) != sizeof *table ||
      sealed != crc32(&head, sizeof head) || le32toh(head.table_crc) != crc32(table, sizeof table))
    fail("partition table");
}

static int last_partition(void) {
  int last = -1;
  for (int i = 0; i < ENTRIES; i++)
    if (table[i].first && (last < 0 || le64toh(table[i].first) > le64toh(table[last].first)))
      last = i;
  static const char data[] = "data";
  for (size_t i = 0; last >= 0 && i < sizeof data; i++)
    if (le16toh(table[last].name[i]) != (uint8_t)data[i]) last = -1;
  if (last < 0) fail("last partition is not `data`");
  return last;
}

static void write_tables(int disk, uint64_t end_sector) {
  union {
    struct header head;
    uint8_t bytes[SECTOR];
  } backup = {.head = primary.head};
  backup.head.own_sector = htole64(end_sector);
  backup.head.other_sector = htole64(1);
  backup.head.table_sector = htole64(end_sector - TABLE_SECTORS);
  seal(&backup.head);
  write_sectors(disk, table, sizeof table, end_sector - TABLE_SECTORS);
  write_sectors(disk, &backup, SECTOR, end_sector);
  if (fsync(disk)) fail("sync");
  seal(&primary.head);
  write_sectors(disk, table, sizeof table, le64toh(primary.head.table_sector));
  write_sectors(disk, &primary, SECTOR, 1);
  if (fsync(disk)) fail("sync");
}

/* The other partitions are in use, so the kernel cannot read the table anew: it is told. */
static void tell_kernel(int disk, int number) {
  struct blkpg_partition partition = {
      .start = (long long)le64toh(table[number].first) * SECTOR,
      .length =
          (long long)(le64toh(table[number].last) - le64toh(table[number].first) + 1) * SECTOR,
      .pno = number + 1,
  };
  struct blkpg_ioctl_arg argument = {
      .op = BLKPG_RESIZE_PARTITION, .datalen = sizeof partition, .data = &partition};
  errno = 0;
  if (ioctl(disk, BLKPG, &argument) && errno != ENOTTY) fail("resize");
}

static uint64_t sectors_of(int disk) {
  uint64_t bytes = 0;
  if (ioctl(disk, BLKGETSIZE64, &bytes)) bytes = lseek(disk, 0, SEEK_END); /* a plain file */
  return bytes / SECTOR;
}

int main(int count, char **words) {
  if (count != 2) return fprintf(stderr, "usage: edge-growdata DISK\n"), 2;
  int disk = open(words[1], O_RDWR | O_CLOEXEC);
  if (disk < 0) fail(words[1]);
  read_sectors(disk, &primary, SECTOR, 1);
  read_sectors(disk, table, sizeof table, le64toh(primary.head.table_sector));
  check(primary.head);
  uint64_t end_sector = sectors_of(disk) - 1;
  int data = last_partition();
  uint64_t last = (end_sector - TABLE_SECTORS) / ALIGN_SECTORS * ALIGN_SECTORS - 1;
  if (last <= le64toh(table[data].last)) return puts("data partition fills the disk"), 0;
  table[data].last = htole64(last);
  primary.head.other_sector = htole64(end_sector);
  primary.head.last_usable = htole64(end_sector - TABLE_SECTORS - 1);
  write_tables(disk, end_sector);
  tell_kernel(disk, data);
  printf("data partition grown to %llu MiB\n",
         (unsigned long long)(last + 1 - le64toh(table[data].first)) / 2048);
  return 0;
}
