/* An HTTP/1.1 client over blocking sockets: http_client http://ADDRESS[:PORT]/PATH
 *
 * Prints the body on standard output and the status on standard error. The parser is http_parser
 * (-lhttp_parser); the stack is 10.0.0.3 on tern0, and the host is a dotted address, for want of a
 * resolver. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <http_parser.h>
#include <tern/tern.h>

/* Where a URL leads. */
struct target {
    char host_port[64]; /* for tern_dial() and for the server to know */
    const char *path;
};

struct response {
    bool complete;
    bool failed; /* to print it */
};

static bool target_parse(const char *url, struct target *out)
{
    struct http_parser_url parts;
    http_parser_url_init(&parts);
    if (http_parser_parse_url(url, strlen(url), 0, &parts) != 0 ||
        !(parts.field_set & (1 << UF_HOST)) || strncmp(url, "http://", 7) != 0)
        return false;
    unsigned port = parts.field_set & (1 << UF_PORT) ? parts.port : 80;
    int host_length = parts.field_data[UF_HOST].len;
    const char *host = url + parts.field_data[UF_HOST].off;
    out->path = "/";
    if (parts.field_set & (1 << UF_PATH))
        out->path = url + parts.field_data[UF_PATH].off;
    int length =
        snprintf(out->host_port, sizeof out->host_port, "%.*s:%u", host_length, host, port);
    return length < (int)sizeof out->host_port;
}

static bool request_send(struct tern *t, int socket, const struct target *target)
{
    char request[2048];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\n"
                          "Host: %s\r\n"
                          "User-Agent: tern-example\r\n"
                          "Accept: */*\r\n"
                          "Connection: close\r\n"
                          "\r\n",
                          target->path, target->host_port);
    if (length >= (int)sizeof request) {
        errno = ENAMETOOLONG;
        return false;
    }
    return tern_write_all(t, socket, request, (size_t)length) == 0;
}

/* ── What the parser calls ── */

static int on_status(http_parser *parser, const char *text, size_t length)
{
    fprintf(stderr, "%u %.*s\n", parser->status_code, (int)length, text);
    return 0;
}

static int on_body(http_parser *parser, const char *bytes, size_t length)
{
    struct response *response = parser->data;
    response->failed = fwrite(bytes, 1, length, stdout) != length;
    return response->failed;
}

static int on_complete(http_parser *parser)
{
    struct response *response = parser->data;
    response->complete = true;
    return 0;
}

static const http_parser_settings callbacks = {
    .on_status = on_status, .on_body = on_body, .on_message_complete = on_complete};

/* Reads until the response is complete; the end of the stream may be what completes it. NULL, or
 * what went wrong. */
static const char *response_read(struct tern *t, int socket, unsigned *status)
{
    struct response response = {0};
    http_parser parser;
    char bytes[16384];
    http_parser_init(&parser, HTTP_RESPONSE);
    parser.data = &response;
    while (!response.complete) {
        ssize_t n = tern_recv(t, socket, bytes, sizeof bytes, 0);
        if (n < 0)
            return strerror(errno);
        size_t parsed = http_parser_execute(&parser, &callbacks, bytes, (size_t)n);
        if (response.failed)
            return "cannot write the body";
        if (HTTP_PARSER_ERRNO(&parser) != HPE_OK || (parsed < (size_t)n && !response.complete))
            return http_errno_description(HTTP_PARSER_ERRNO(&parser));
        if (n == 0 && !response.complete)
            return "the response ends too soon";
    }
    *status = parser.status_code;
    return NULL;
}

static const char *get(struct tern *t, const struct target *target, unsigned *status)
{
    int socket = tern_dial(t, target->host_port);
    if (socket < 0)
        return strerror(errno);
    const char *wrong = NULL;
    if (request_send(t, socket, target))
        wrong = response_read(t, socket, status);
    else
        wrong = strerror(errno);
    tern_close(t, socket);
    return wrong;
}

int main(int argc, char **argv)
{
    struct target target;
    struct tern_error error;
    unsigned status = 0;
    if (argc != 2 || !target_parse(argv[1], &target)) {
        fprintf(stderr, "usage: http_client http://ADDRESS[:PORT]/PATH\n");
        return 2;
    }
    struct tern *t = tern_open(NULL, &error);
    if (!t) {
        fprintf(stderr, "http_client: %s\n", error.text);
        return 1;
    }
    const char *wrong = get(t, &target, &status);
    if (wrong)
        fprintf(stderr, "http_client: %s: %s\n", argv[1], wrong);
    tern_quiesce(t, 1000000000);
    tern_close_stack(t);
    if (fflush(stdout) != 0 || wrong)
        return 1;
    return status < 400 ? 0 : 1;
}
