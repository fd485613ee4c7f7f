/* PID 1 of the initramfs: load modules, start the watchdog, open the verified root, go there.
 *
 * It reads /slot.conf (made with the root image, so that signing the initramfs covers the root):
 *   root_hash=<hex>  salt=<hex>  data_blocks=<decimal>  watchdog_s=<decimal>  clock_s=<decimal>
 *   boot=<driver of boot control, where it is not that of U-Boot>
 * and `edge.slot=a|b` of the kernel command line, or the slot that the firmware has started. Any
 * doubt ends in a restart: the boot script counts the tries and falls back to the other slot.
 * With root=memory in /slot.conf the initramfs is the root itself, and there is no slot. */
#define _GNU_SOURCE
#include "initramfs.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <linux/watchdog.h>

#define WAIT_MS 20000       /* a slow card may take seconds to appear */
#define POLL_MS 5
#define FIRMWARE_PARTITION "/proc/device-tree/chosen/bootloader/partition"

static int kmsg = -1;

void say(const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  int length = snprintf(text, sizeof text, "<4>edge: ");
  length += vsnprintf(text + length, sizeof text - length - 1, format, arguments);
  va_end(arguments);
  if (length > (int)sizeof text - 1) length = sizeof text - 1;
  if (kmsg >= 0 && write(kmsg, text, length) < 0) { /* nobody left to tell */ }
}

void give_up(const char *what) {
  say("initramfs: %s: %s; restarting", what, strerror(errno));
  sync();
  usleep(300 * 1000); /* let the console print it */
  reboot(RB_AUTOBOOT);
  for (;;) pause();
}

/* Copy the last value of `key=` in `text`, words ending at a blank or a line end. The boot script
 * puts its slot last, and the agent reads the last one: all three must mean the same slot. */
int value_of(const char *text, const char *key, char *value, size_t size) {
  size_t length = strlen(key);
  int found = 0;
  for (const char *at = text; (at = strstr(at, key)); at += length) {
    if (at != text && !strchr(" \n", at[-1])) continue;
    const char *start = at + length;
    size_t span = strcspn(start, " \n");
    found = span != 0 && span < size;
    if (!found) continue;
    memcpy(value, start, span);
    value[span] = 0;
  }
  return found;
}

int read_text(const char *path, char *text, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t length = read(file, text, size - 1);
  close(file);
  text[length > 0 ? length : 0] = 0;
  return length > 0;
}

static void write_text(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return;
  if (write(file, text, strlen(text)) < 0) say("%s: %s", path, strerror(errno));
  close(file);
}

static void mount_kernel_file_systems(void) {
  mount("dev", "/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755");
  kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
  mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
  mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
  mount("run", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=20%");
  mkdir("/run/edge", 0755);
}

/* What containers need of the kernel; here, as a shell would fork for each line. */
static void mount_for_services(void) {
  static const char controllers[] = "+cpu +memory +pids +io";
  mkdir("/dev/pts", 0755);
  mkdir("/dev/shm", 0755);
  mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "mode=0620,ptmxmode=0666");
  mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=20%");
  mount("tmp", "/root/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=20%");
  mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
  write_text("/sys/fs/cgroup/cgroup.subtree_control", controllers);
  mkdir("/sys/fs/cgroup/edge", 0755);
  write_text("/sys/fs/cgroup/edge/cgroup.subtree_control", controllers);
}

/* Load /modules/<name>.ko in the order of /modules/order. A module that fails is told, not fatal:
 * what needs it fails next, with its own words. */
static void load_modules(void) {
  FILE *order = fopen("/modules/order", "re");
  char name[128], path[160];
  while (order && fgets(name, sizeof name, order)) {
    name[strcspn(name, "\n")] = 0;
    snprintf(path, sizeof path, "/modules/%s", name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || (syscall(SYS_finit_module, file, "", 0) && errno != EEXIST))
      say("module %s: %s", name, strerror(errno));
    if (file >= 0) close(file);
  }
  if (order) fclose(order);
}

/* Start the hardware watchdog and leave it running: closed without the magic `V` it goes on
 * counting, and bites unless the root's own feeder opens it in time. */
static void start_watchdog(int timeout_s) {
  int dog = open("/dev/watchdog", O_WRONLY | O_CLOEXEC);
  if (dog < 0) {
    say("no watchdog: %s", strerror(errno));
    return;
  }
  if (ioctl(dog, WDIOC_SETTIMEOUT, &timeout_s)) say("watchdog: %s", strerror(errno));
  say("watchdog runs, %d s", timeout_s);
  close(dog);
}

/* No clock chip, or a wrong one: time never starts before the build. */
static void set_clock_floor(long long floor_s) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) || now.tv_sec >= floor_s) return;
  struct timespec floor = {.tv_sec = floor_s};
  if (clock_settime(CLOCK_REALTIME, &floor)) say("clock: %s", strerror(errno));
}

/* Find the block device whose partition is called `label`; gives names below /dev. */
static int find_partition(const char *label, char *device, char *disk, size_t size) {
  char wanted[64], path[300], text[1024], link[512];
  snprintf(wanted, sizeof wanted, "PARTNAME=%s\n", label);
  DIR *blocks = opendir("/sys/class/block");
  if (!blocks) return 0;
  int found = 0;
  for (struct dirent *entry; !found && (entry = readdir(blocks));) {
    snprintf(path, sizeof path, "/sys/class/block/%s/uevent", entry->d_name);
    if (!read_text(path, text, sizeof text) || !strstr(text, wanted)) continue;
    snprintf(path, sizeof path, "/sys/class/block/%s", entry->d_name);
    ssize_t length = readlink(path, link, sizeof link - 1);
    if (length < 0) continue;
    link[length] = 0;
    char *last = strrchr(link, '/');
    if (!last) continue;
    *last = 0;
    char *parent = strrchr(link, '/');
    snprintf(device, size, "%s", entry->d_name);
    snprintf(disk, size, "%s", parent ? parent + 1 : link);
    found = 1;
  }
  closedir(blocks);
  return found;
}

/* Make /dev/edge/<label> for each partition of the disk that we run from, and of no other. */
static void name_partitions(const char *disk) {
  char path[300], text[1024], label[64], major[16], minor[16];
  snprintf(path, sizeof path, "/sys/class/block/%s", disk);
  DIR *blocks = opendir(path);
  mkdir("/dev/edge", 0755);
  for (struct dirent *entry; blocks && (entry = readdir(blocks));) {
    if (strncmp(entry->d_name, disk, strlen(disk))) continue;
    snprintf(path, sizeof path, "/sys/class/block/%s/uevent", entry->d_name);
    if (!read_text(path, text, sizeof text) || !value_of(text, "PARTNAME=", label, sizeof label) ||
        !value_of(text, "MAJOR=", major, sizeof major) ||
        !value_of(text, "MINOR=", minor, sizeof minor) || strchr(label, '/'))
      continue;
    snprintf(path, sizeof path, "/dev/edge/%s", label);
    if (mknod(path, S_IFBLK | 0600, makedev(atoi(major), atoi(minor))))
      say("%s: %s", path, strerror(errno));
  }
  if (blocks) closedir(blocks);
}

/* The slot that the firmware of a Raspberry Pi has started: the number of its partition (docs/formats.md),
 * which it leaves in the device tree, big endian. */
static int slot_of_firmware(const char *path, char *slot, size_t size) {
  unsigned char number[4] = {0};
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t length = read(file, number, sizeof number);
  close(file);
  if (length != sizeof number || number[0] || number[1] || number[2]) return 0;
  snprintf(slot, size, "%s", number[3] == 2 ? "a" : number[3] == 3 ? "b" : "");
  return slot[0] != 0;
}

static void wait_for_root(const char *slot, char *device, char *disk, size_t size) {
  char label[32];
  snprintf(label, sizeof label, "rootfs-%s", slot);
  for (int waited_ms = 0; !find_partition(label, device, disk, size); waited_ms += POLL_MS) {
    if (waited_ms >= WAIT_MS) {
      errno = ENODEV;
      give_up(label);
    }
    usleep(POLL_MS * 1000);
  }
}

/* Free the memory of the initramfs: it is not reachable any more once the root is moved. */
static void remove_initramfs(void) {
  DIR *modules = opendir("/modules");
  for (struct dirent *entry; modules && (entry = readdir(modules));)
    if (entry->d_name[0] != '.') unlinkat(dirfd(modules), entry->d_name, 0);
  if (modules) closedir(modules);
  unlink("/init");
  unlink("/slot.conf");
}

/* Find the root of the slot, verify it, mount it. */
static void open_slot(const char *command_line, const char *conf) {
  char slot[4], device[64], disk[64], boot[32];
  errno = EINVAL;
  if (!value_of(conf, "boot=", boot, sizeof boot)) boot[0] = 0;
  if (!strcmp(boot, "rpi-tryboot") ? !slot_of_firmware(FIRMWARE_PARTITION, slot, sizeof slot)
                                   : !value_of(command_line, "edge.slot=", slot, sizeof slot))
    give_up("edge.slot");
  wait_for_root(slot, device, disk, sizeof device);
  write_text("/run/edge/slot", slot);
  write_text("/run/edge/disk", disk);
  if (boot[0]) write_text("/run/edge/boot", boot);
  open_verity("root", device, conf);
  if (mount("/dev/dm-0", "/root", "erofs", MS_RDONLY | MS_NODEV, "")) give_up("mount root");
  say("slot %s: verified root on %s", slot, device);
  name_partitions(disk);
}

/* Make what was unpacked into memory a mount of its own: the kernel's first one cannot be left by
 * pivot_root(2), as containers do. No disk is touched; what services keep in /data is lost. */
static void open_memory(void) {
  write_text("/run/edge/slot", "memory");
  write_text("/run/edge/disk", "");
  mkdir("/dev/edge", 0755);
  if (mount("/", "/root", "", MS_BIND, "")) give_up("mount root");
  mount("data", "/root/data", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
  say("root in memory");
}

static void go_to_root(int in_memory) {
  static const char *const moved[] = {"/dev", "/proc", "/sys", "/run"};
  char target[32];
  for (unsigned i = 0; i < sizeof moved / sizeof *moved; i++) {
    snprintf(target, sizeof target, "/root%s", moved[i]);
    if (mount(moved[i], target, "", MS_MOVE, "")) give_up(moved[i]);
  }
  remove_initramfs();
  if (chdir("/root") || mount(".", "/", "", MS_MOVE, "") || chroot(".") || chdir("/"))
    give_up("root");
  if (in_memory && mount("", "/", "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV, ""))
    give_up("read-only root");
  char *arguments[] = {"/sbin/init", NULL};
  char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", NULL};
  execve(arguments[0], arguments, environment);
  give_up("/sbin/init");
}

int main(void) {
  char command_line[4096], conf[1024], number[32], root[16];
  mount_kernel_file_systems();
  if (!read_text("/proc/cmdline", command_line, sizeof command_line)) give_up("/proc/cmdline");
  if (!read_text("/slot.conf", conf, sizeof conf)) give_up("/slot.conf");
  load_modules();
  if (value_of(conf, "watchdog_s=", number, sizeof number)) start_watchdog(atoi(number));
  if (value_of(conf, "clock_s=", number, sizeof number)) set_clock_floor(atoll(number));
  int in_memory = value_of(conf, "root=", root, sizeof root) && !strcmp(root, "memory");
  if (in_memory) open_memory();
  else open_slot(command_line, conf);
  mount_for_services();
  go_to_root(in_memory);
}
