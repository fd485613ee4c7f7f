/* edge-restart WORD: restart at once, with a word for the firmware.
 *
 * Only what a boot driver of the agent can ask for is taken: "0 tryboot" of the Raspberry Pi. Everything
 * has to be stopped and synced before. Without a kernel that hands the word on it is a plain restart. */
#include <errno.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **words) {
  if (count != 2 || strcmp(words[1], "0 tryboot"))
    return fprintf(stderr, "usage: edge-restart '0 tryboot'\n"), 2;
  syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART2, words[1]);
  return fprintf(stderr, "edge-restart: %s\n", strerror(errno)), 1;
}
