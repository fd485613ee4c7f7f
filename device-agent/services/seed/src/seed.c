/* edge-seed FOLDER: give the kernel the seed that the last run left, and leave a new one.
 *
 * A seed counts once: it is gone from the disk, and that is synced, before the kernel gets it, so
 * that after a power cut at any point no seed is credited twice. The new one comes from the
 * kernel's generator when that is ready, which the old seed makes it at once; without one the
 * kernel gathers noise of its own for up to a second. It is written beside and renamed.
 *
 * Source: random(4), getrandom(2). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>
#include <linux/random.h>

#define SEED_BYTES 32
#define SEED "seed"
#define NEW "seed.new"

static void fail(const char *what) {
  fprintf(stderr, "edge-seed: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* Read and remove a seed; 1 if there was a whole one. */
static int take(int folder, unsigned char *seed) {
  int file = openat(folder, SEED, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return 0;
  ssize_t length = read(file, seed, SEED_BYTES);
  close(file);
  if (unlinkat(folder, SEED, 0) || fsync(folder)) fail(SEED);
  return length == SEED_BYTES;
}

/* 1 if the kernel took it, with all its bits. */
static int give(const unsigned char *seed) {
  struct {
    int bits, bytes;
    unsigned char seed[SEED_BYTES];
  } pool = {.bits = SEED_BYTES * 8, .bytes = SEED_BYTES};
  memcpy(pool.seed, seed, SEED_BYTES);
  int random = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
  if (random >= 0 && !ioctl(random, RNDADDENTROPY, &pool)) return 1;
  fprintf(stderr, "edge-seed: the kernel does not take it: %s\n", strerror(errno));
  return 0;
}

static void keep(int folder, const unsigned char *seed) {
  unlinkat(folder, NEW, 0);
  int file = openat(folder, NEW, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
  if (file < 0 || write(file, seed, SEED_BYTES) != SEED_BYTES || fsync(file)) fail(NEW);
  close(file);
  if (renameat(folder, NEW, folder, SEED) || fsync(folder)) fail(SEED);
}

int main(int count, char **words) {
  if (count != 2) return fprintf(stderr, "usage: edge-seed FOLDER\n"), 2;
  int folder = open(words[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) fail(words[1]);
  unsigned char seed[SEED_BYTES];
  int had_one = take(folder, seed);
  int is_taken = !had_one || give(seed);
  if (getrandom(seed, SEED_BYTES, 0) != SEED_BYTES) fail("getrandom");
  keep(folder, seed);
  puts(!had_one ? "no seed yet; kept one" : is_taken ? "seed credited; kept a new one" : "kept one");
  return !is_taken;
}
