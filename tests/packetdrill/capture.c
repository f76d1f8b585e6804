/* The classic capture format with nanoseconds, written packet by packet: a script that fails ends
 * the process without a word to us. */
#include <fcntl.h>
#include <unistd.h>

#include "machine.h"

enum { MAGIC_NANOSECONDS = (int)0xa1b23c4d, LINKTYPE_RAW = 101, SNAP = 262144 };

int capture_open(const char *path)
{
    const struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t zone, accuracy, snap, link;
    } head = {(uint32_t)MAGIC_NANOSECONDS, 2, 4, 0, 0, SNAP, LINKTYPE_RAW};
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    int high = fcntl_high(fd);
    close(fd);
    if (high < 0 || write(high, &head, sizeof head) != sizeof head)
        return -1;
    return high;
}

void capture_packet(int capture, uint64_t time_ns, const void *packet, size_t length)
{
    const struct {
        uint32_t seconds, nanoseconds, captured, length;
    } head = {(uint32_t)(time_ns / 1000000000), (uint32_t)(time_ns % 1000000000), (uint32_t)length,
              (uint32_t)length};
    struct iovec spans[2] = {{(void *)(uintptr_t)&head, sizeof head},
                             {(void *)(uintptr_t)packet, length}};
    if (capture >= 0 && writev(capture, spans, 2) < 0)
        perror("capture");
}
