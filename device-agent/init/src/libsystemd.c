/* Stands in for libsystemd.so.0, which crun is linked with for its systemd cgroup driver.
 *
 * We run crun with its own cgroup driver and there is no systemd here, so nothing of the library is
 * ever called; loading the real one costs 1.2 MB of image and time at every start of a container.
 * Each call answers "not supported". The names and versions are those that crun 1.21 asks for. */
#include <errno.h>
#include <stddef.h>

#define REFUSED(name) \
  int name(void) { return -ENOTSUP; }
#define NOTHING(name) \
  void *name(void) { return NULL; }

REFUSED(sd_journal_send_with_location)
REFUSED(sd_notify)
REFUSED(sd_notify_barrier)
REFUSED(sd_bus_call)
REFUSED(sd_bus_default_system)
REFUSED(sd_bus_default_user)
NOTHING(sd_bus_error_free)
REFUSED(sd_bus_error_get_errno)
REFUSED(sd_bus_match_signal_async)
REFUSED(sd_bus_message_append)
REFUSED(sd_bus_message_append_array)
REFUSED(sd_bus_message_append_basic)
REFUSED(sd_bus_message_append_strv)
REFUSED(sd_bus_message_close_container)
REFUSED(sd_bus_message_new_method_call)
REFUSED(sd_bus_message_open_container)
REFUSED(sd_bus_message_read)
NOTHING(sd_bus_message_unref)
REFUSED(sd_bus_process)
NOTHING(sd_bus_unref)
REFUSED(sd_bus_wait)
