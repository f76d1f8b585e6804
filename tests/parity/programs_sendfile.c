/* sendfile(2): what it takes of a file, and what it takes for a file. */
#include <limits.h>
#include <unistd.h>

#include "programs.h"

static void receive(struct play *p, int s)
{
    char bytes[64];
    play_await(p, s, POLLIN);
    play_bytes(p, bytes, STEP(A->recv(s, bytes, sizeof bytes, 0)));
}

static void from_where_the_file_stands(struct play *p)
{
    int client, server, file = play_file(p, "0123456789");
    play_connected(p, &client, &server);
    STEP(A->sendfile(client, file, NULL, 4));
    receive(p, server);
    STEP(A->sendfile(client, file, NULL, 100));
    receive(p, server);
    STEP(A->sendfile(client, file, NULL, 100));
    play_note(p, "at %ld", (long)lseek(file, 0, SEEK_CUR));
    close(file);
}

static void from_an_offset_that_moves_on(struct play *p)
{
    int client, server, file = play_file(p, "0123456789");
    off_t offset = 2, beyond = 11, negative = -1;
    play_connected(p, &client, &server);
    STEP(A->sendfile(client, file, &offset, 3));
    receive(p, server);
    STEP(A->sendfile(client, file, &offset, SSIZE_MAX));
    STEP(A->sendfile(client, file, &offset, (size_t)-1));
    STEP(A->sendfile(client, file, &offset, 100));
    receive(p, server);
    STEP(A->sendfile(client, file, &offset, 3));
    STEP(A->sendfile(client, file, &beyond, 3));
    STEP(A->sendfile(client, file, &negative, 3));
    play_note(p, "at %ld; %ld, %ld, %ld", (long)lseek(file, 0, SEEK_CUR), (long)offset,
              (long)beyond, (long)negative);
    close(file);
}

static void what_is_no_file(struct play *p)
{
    int client, server, ends[2], closed = play_file(p, "x");
    off_t offset = 0;
    play_connected(p, &client, &server);
    int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int unreadable = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (pipe2(ends, O_CLOEXEC) < 0 || write(ends[1], "abc", 3) != 3)
        play_note(p, "no pipe");
    close(closed);
    STEP(A->sendfile(client, closed, NULL, 1));
    STEP(A->sendfile(client, directory, NULL, 1));
    STEP(A->sendfile(client, unreadable, NULL, 1));
    STEP(A->sendfile(client, ends[1], NULL, 1));
    STEP(A->sendfile(client, ends[0], &offset, 1));
    STEP(A->sendfile(client, ends[0], NULL, 3));
    close(directory);
    close(unreadable);
    close(ends[0]);
    close(ends[1]);
}

static void more_than_there_is_room_for(struct play *p)
{
    int client, server, file = play_file(p, "");
    char bytes[4096];
    off_t offset = 0;
    ssize_t n;
    play_connected(p, &client, &server);
    if (ftruncate(file, 1 << 28) < 0)
        play_note(p, "no large file");
    while ((n = A->sendfile(client, file, &offset, 1 << 28)) > 0)
        ;
    play_note(p, "full: %s, and there is some left: %d", n < 0 ? strerrorname_np(errno) : "no",
              offset > 0 && offset < 1 << 28);
    for (off_t got = 0; got<offset; got += n> 0 ? n : 0) {
        n = A->recv(server, bytes, sizeof bytes, 0);
        if (n < 0)
            A->poll(NULL, 0, 1);
    }
    STEP(A->recv(server, bytes, sizeof bytes, 0));
    close(file);
}

#define PROGRAM(name)           \
    {                           \
        "sendfile/" #name, name \
    }
const struct program programs_sendfile[] = {
    PROGRAM(from_where_the_file_stands),
    PROGRAM(from_an_offset_that_moves_on),
    PROGRAM(what_is_no_file),
    PROGRAM(more_than_there_is_room_for),
};
const unsigned programs_sendfile_count = sizeof programs_sendfile / sizeof programs_sendfile[0];
