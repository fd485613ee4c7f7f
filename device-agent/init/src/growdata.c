/* edge-growdata DISK: make the last partition of a GPT disk reach to the end of the disk.
 *
 * An image is smaller than the card it is written to: the backup table then lies in the middle of
 * the disk. The table is moved to the disk's end and the last partition grown; the partition must
 * be called `data`, as no other may be touched. Prints what was done. The new backup is written and
 * synced before the primary: after a power cut at any point one whole table is there, and the next
 * run makes a torn primary anew from the backup.
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
#include <sys/stat.h>
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

static int read_sectors(int disk, void *to, size_t length, uint64_t sector) {
  return pread(disk, to, length, sector * SECTOR) == (ssize_t)length;
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

/* Load the table whose header is at `sector`; 1 when both are whole. */
static int load(int disk, uint64_t sector) {
  if (!read_sectors(disk, &primary, SECTOR, sector)) return 0;
  struct header head = primary.head;
  head.crc = 0;
  return !memcmp(head.signature, "EFI PART", 8) && le32toh(head.size) == sizeof head &&
         le32toh(head.entries) == ENTRIES && le32toh(head.entry_size) == sizeof *table &&
         le64toh(head.own_sector) == sector &&
         le32toh(primary.head.crc) == crc32(&head, sizeof head) &&
         read_sectors(disk, table, sizeof table, le64toh(head.table_sector)) &&
         le32toh(head.table_crc) == crc32(table, sizeof table);
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
  primary.head.own_sector = htole64(1);
  primary.head.other_sector = htole64(end_sector);
  primary.head.table_sector = htole64(2);
  seal(&primary.head);
  write_sectors(disk, table, sizeof table, 2);
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
  if (ioctl(disk, BLKPG, &argument)) fail("resize");
}

/* Of a block device, or of a plain file in its place. */
static uint64_t sectors_of(int disk, const struct stat *facts) {
  uint64_t bytes = facts->st_size;
  if (S_ISBLK(facts->st_mode) && ioctl(disk, BLKGETSIZE64, &bytes)) fail("size");
  return bytes / SECTOR;
}

int main(int count, char **words) {
  if (count != 2) return fprintf(stderr, "usage: edge-growdata DISK\n"), 2;
  struct stat facts;
  int disk = open(words[1], O_RDWR | O_CLOEXEC);
  if (disk < 0 || fstat(disk, &facts)) fail(words[1]);
  uint64_t end_sector = sectors_of(disk, &facts) - 1;
  int is_whole = load(disk, 1);
  errno = 0;
  if (!is_whole && !load(disk, end_sector)) fail("partition table");
  int data = last_partition();
  uint64_t last = (end_sector - TABLE_SECTORS) / ALIGN_SECTORS * ALIGN_SECTORS - 1;
  int grows = last > le64toh(table[data].last);
  if (is_whole && !grows) return puts("data partition fills the disk"), 0;
  if (grows) table[data].last = htole64(last);
  primary.head.last_usable = htole64(end_sector - TABLE_SECTORS - 1);
  write_tables(disk, end_sector);
  if (!grows) return puts("partition table made anew from its backup"), 0;
  if (S_ISBLK(facts.st_mode)) tell_kernel(disk, data);
  printf("data partition grown to %llu MiB\n",
         (unsigned long long)(last + 1 - le64toh(table[data].first)) / 2048);
  return 0;
}
