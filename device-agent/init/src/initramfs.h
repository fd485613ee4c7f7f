/* What the files of the initramfs program share. */
#ifndef EDGE_INITRAMFS_H
#define EDGE_INITRAMFS_H
#include <stddef.h>

/* Tell one line to the kernel log, and so to the console. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Tell `what` and errno, then restart the board. Does not return. */
void give_up(const char *what) __attribute__((noreturn));

/* Copy the word after `key` (as `name=`) in `text`; 1 when it is there and fits, else 0. */
int value_of(const char *text, const char *key, char *value, size_t size);

/* Read the start of a small file as a string; 1 when there was anything. */
int read_text(const char *path, char *text, size_t size);

/* Make /dev/dm-0: partition `device` seen through dm-verity, as /slot.conf says. */
void open_verity(const char *name, const char *device, const char *conf);
#endif
