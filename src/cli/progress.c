#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/units.h"

enum {
    BAR_MIN = 10, /* a narrower bar says nothing: then there is none */
    BAR_MAX = 50,
    LINE_MAX_BYTES = 160,
    COLUMNS_DEFAULT = 80,
};
#define REDRAW_INTERVAL_NS TIME_MS(100)

/* "  ETA 1:05", minutes and seconds at the rate so far; nothing while none can be told. */
static void eta_write(char *text, size_t size, uint64_t done, uint64_t total, uint64_t elapsed_ns)
{
    text[0] = '\0';
    if (done == 0 || done >= total)
        return;
    double left_s = (double)(total - done) / (double)done * (double)elapsed_ns / (double)TIME_S(1);
    if (left_s < 100 * 60)
        snprintf(text, size, "  ETA %u:%02u", (unsigned)left_s / 60, (unsigned)left_s % 60);
}

void progress_line(char *text, size_t size, unsigned columns, uint64_t done, uint64_t total,
                   uint64_t elapsed_ns)
{
    char bytes[UNITS_TEXT_MAX], rate[UNITS_TEXT_MAX], figures[96], eta[32];
    snprintf(figures, sizeof figures, "%9s  %10s", units_bytes(done, bytes),
             units_rate(done, elapsed_ns, rate));
    if (total == 0) {
        snprintf(text, size, "%.*s", (int)columns, figures);
        return;
    }

    eta_write(eta, sizeof eta, done, total, elapsed_ns);
    double share = done < total ? (double)done / (double)total : 1;
    char bar[BAR_MAX + 4] = "";
    int room = (int)columns - (int)strlen("100%  []  ") - (int)strlen(figures) - 12;
    int width = room > BAR_MAX ? BAR_MAX : room;
    if (width >= BAR_MIN) {
        int filled = (int)(share * width);
        memset(bar, '=', (size_t)width + 1);
        memset(bar + 1 + filled, ' ', (size_t)(width - filled));
        bar[0] = '[';
        bar[1 + width] = ']';
        bar[2 + width] = '\0';
    }
    char line[LINE_MAX_BYTES];
    snprintf(line, sizeof line, "%3d%%  %s%s%s%s", (int)(share * 100), bar, *bar ? "  " : "",
             figures, eta);
    snprintf(text, size, "%.*s", (int)columns, line);
}

void progress_begin(struct progress *progress, uint64_t total, bool wanted)
{
    *progress = (struct progress){
        .shown = wanted && isatty(STDERR_FILENO), .total = total, .started_ns = stopwatch_ns()};
}

void progress_update(struct progress *progress, uint64_t done)
{
    if (!progress->shown)
        return;
    uint64_t now_ns = stopwatch_ns();
    if (progress->drawn_ns && now_ns - progress->drawn_ns < REDRAW_INTERVAL_NS)
        return;
    progress->drawn_ns = now_ns;

    struct winsize window;
    unsigned columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0
                           ? window.ws_col
                           : COLUMNS_DEFAULT;
    char line[LINE_MAX_BYTES];
    progress_line(line, sizeof line, columns - 1, done, progress->total,
                  now_ns - progress->started_ns);
    fprintf(stderr, "\r\x1b[K%s", line);
}

void progress_end(struct progress *progress)
{
    if (progress->shown && progress->drawn_ns)
        fprintf(stderr, "\r\x1b[K");
    progress->shown = false;
}
