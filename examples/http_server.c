/* An HTTP/1.1 server over blocking sockets, on a few threads: http_server FOLDER
 *
 * Serves the files of one folder, not of those in it, on port 80 of 10.0.0.3. Connections stay open
 * for further requests, also for such as come before the last was answered. The parser is
 * http_parser (-lhttp_parser). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <http_parser.h>
#include <tern/tern.h>

enum { WORKERS = 8, PATIENCE_S = 10 };

static struct tern *t;
static int folder, listener;

/* A thread, and the connection that it serves. */
struct worker {
    pthread_t thread;
    int socket;
    char url[256]; /* of the request in progress */
    size_t url_length;
};

/* ── Answers ── */

static bool say_head(struct worker *w, const char *status, long length, bool keep, bool more)
{
    char head[256];
    int n =
        snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %ld\r\nConnection: %s\r\n\r\n",
                 status, length, keep ? "keep-alive" : "close");
    return tern_send(t, w->socket, head, (size_t)n, more ? MSG_MORE : 0) == n;
}

/* A status that is its own body. */
static bool say_status(struct worker *w, const char *status, bool keep, bool body)
{
    return say_head(w, status, (long)strlen(status), keep, body) &&
           (!body || tern_write_all(t, w->socket, status, strlen(status)) == 0);
}

static bool say_file(struct worker *w, int file, long length, bool keep, bool body)
{
    char bytes[65536];
    if (!say_head(w, "200 OK", length, keep, body && length > 0))
        return false;
    while (body && length > 0) {
        ssize_t n = read(file, bytes, sizeof bytes);
        if (n <= 0 || n > length || tern_write_all(t, w->socket, bytes, (size_t)n) < 0)
            return false; /* a file that shrinks or grows is not of the length we promised */
        length -= n;
    }
    return true;
}

/* The file that the request names, or -1. What has a slash in its name is none of this folder's. */
static int find_file(struct worker *w, struct stat *about)
{
    w->url[strcspn(w->url, "?#")] = '\0';
    const char *name = w->url + 1;
    if (w->url[0] != '/' || strchr(name, '/') || strcmp(name, "..") == 0)
        return -1;
    int file =
        openat(folder, *name ? name : "index.html", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file >= 0 && (fstat(file, about) < 0 || !S_ISREG(about->st_mode))) {
        close(file);
        return -1;
    }
    return file;
}

static bool answer(struct worker *w, unsigned method, bool keep)
{
    struct stat about;
    bool body = method != HTTP_HEAD;
    if (method != HTTP_GET && method != HTTP_HEAD)
        return say_status(w, "405 Method Not Allowed", keep, true);
    int file = find_file(w, &about);
    if (file < 0)
        return say_status(w, "404 Not Found", keep, body);
    bool said = say_file(w, file, about.st_size, keep, body);
    close(file);
    return said;
}

/* ── What the parser calls ── */

static int on_begin(http_parser *parser)
{
    ((struct worker *)parser->data)->url_length = 0;
    return 0;
}

static int on_url(http_parser *parser, const char *text, size_t length)
{
    struct worker *w = parser->data;
    if (length >= sizeof w->url - w->url_length)
        return -1;
    memcpy(w->url + w->url_length, text, length);
    w->url_length += length;
    w->url[w->url_length] = '\0';
    return 0;
}

/* A request is answered before the next is looked at; the last one pauses the parser. */
static int on_complete(http_parser *parser)
{
    bool keep = http_should_keep_alive(parser) && !parser->upgrade;
    if (!answer(parser->data, parser->method, keep) || !keep)
        http_parser_pause(parser, 1);
    return 0;
}

static const http_parser_settings callbacks = {
    .on_message_begin = on_begin, .on_url = on_url, .on_message_complete = on_complete};

static void serve(struct worker *w)
{
    http_parser parser;
    char bytes[8192];
    ssize_t n;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = w;
    while (HTTP_PARSER_ERRNO(&parser) == HPE_OK &&
           (n = tern_recv(t, w->socket, bytes, sizeof bytes, 0)) > 0)
        http_parser_execute(&parser, &callbacks, bytes, (size_t)n);
    enum http_errno error = HTTP_PARSER_ERRNO(&parser);
    if (error != HPE_OK && error != HPE_PAUSED)
        say_status(w, "400 Bad Request", false, true);
    /* To close over unread bytes would be a reset, and the answer lost: let the peer end first. */
    tern_shutdown(t, w->socket, SHUT_WR);
    while (tern_recv(t, w->socket, bytes, sizeof bytes, 0) > 0)
        ;
}

static void *work(void *argument)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct worker *w = argument;
    while ((w->socket = tern_accept(t, listener, NULL, NULL)) >= 0) {
        tern_setsockopt(t, w->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        tern_setsockopt(t, w->socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        serve(w);
        tern_close(t, w->socket);
    }
    return NULL; /* the listener is shut */
}

int main(int argc, char **argv)
{
    static struct worker workers[WORKERS];
    struct tern_error error;
    sigset_t ends;
    int signal, running = 0;
    folder = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder < 0) {
        fprintf(stderr, "usage: http_server FOLDER\n");
        return 2;
    }
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL); /* in all threads: main takes them by sigwait() */
    t = tern_open(NULL, &error);
    listener = t ? tern_listen_on(t, "80", 64) : -1;
    if (listener < 0) {
        fprintf(stderr, "http_server: %s\n", t ? strerror(errno) : error.text);
        return 1;
    }
    while (running < WORKERS &&
           pthread_create(&workers[running].thread, NULL, work, &workers[running]) == 0)
        running++;
    printf("serving on http://10.0.0.3/\n");
    fflush(stdout);
    sigwait(&ends, &signal);
    tern_shutdown(t, listener, SHUT_RD); /* no more connections; and those there are end: */
    for (int i = 0; i < running; i++)
        tern_shutdown(t, workers[i].socket, SHUT_RDWR);
    for (int i = 0; i < running; i++)
        pthread_join(workers[i].thread, NULL);
    tern_close_stack(t);
    return 0;
}
