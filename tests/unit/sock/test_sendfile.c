#include "unit/sock/sockets.h"

#include <stdio.h>
#include <unistd.h>

enum { FILE_SIZE = 700000 };

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i % 251);
}

/* A file without a name, of FILE_SIZE bytes. */
static int make_file(void)
{
    static uint8_t bytes[FILE_SIZE];
    for (size_t i = 0; i < FILE_SIZE; i++)
        bytes[i] = byte_at(i);
    FILE *file = tmpfile();
    assert_non_null(file);
    int fd = dup(fileno(file));
    fclose(file);
    assert_int_equal(write(fd, bytes, FILE_SIZE), FILE_SIZE);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* Reads `length` bytes, which must be the file's from `from` on. */
static void assert_reads(int server, size_t from, size_t length)
{
    static uint8_t bytes[FILE_SIZE];
    assert_int_equal(tern_recv(b, server, bytes, length, MSG_WAITALL), length);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(bytes[i], byte_at(from + i));
}

static void a_part_of_a_file_is_sent_and_the_offset_moves(void **state)
{
    (void)state;
    int server, s = connected_stream(&server), file = make_file();
    off_t offset = 1000;
    assert_int_equal(tern_sendfile(a, s, file, &offset, 5000), 5000);
    assert_int_equal(offset, 6000);
    assert_int_equal(lseek(file, 0, SEEK_CUR), 0); /* where it stood */
    assert_reads(server, 1000, 5000);
    close(file);
}

static void without_an_offset_the_descriptor_moves(void **state)
{
    (void)state;
    int server, s = connected_stream(&server), file = make_file();
    assert_int_equal(tern_sendfile(a, s, file, NULL, 300), 300);
    assert_int_equal(tern_sendfile(a, s, file, NULL, 300), 300);
    assert_int_equal(lseek(file, 0, SEEK_CUR), 600);
    assert_reads(server, 0, 600);
    close(file);
}

static void the_end_of_the_file_is_the_end(void **state)
{
    (void)state;
    int server, s = connected_stream(&server), file = make_file();
    off_t offset = FILE_SIZE - 10;
    assert_int_equal(tern_sendfile(a, s, file, &offset, 1000), 10);
    assert_int_equal(offset, FILE_SIZE);
    assert_int_equal(tern_sendfile(a, s, file, &offset, 1000), 0);
    assert_reads(server, FILE_SIZE - 10, 10);
    close(file);
}

static void no_more_is_read_than_there_is_room_for(void **state)
{
    (void)state;
    int server, s = connected_stream(&server), file = make_file();
    set_int(a, s, SOL_SOCKET, SO_SNDBUF, 20000);
    set_nonblocking(a, s);
    off_t offset = 0;
    size_t done = 0;
    while (done < FILE_SIZE) {
        ssize_t n = tern_sendfile(a, s, file, &offset, FILE_SIZE);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            pair_run(&pair, TIME_MS(1));
            continue;
        }
        assert_in_range(n, 1, 40000);
        assert_reads(server, done, (size_t)n);
        done += (size_t)n;
        assert_int_equal(offset, done);
    }
    close(file);
}

/* Blocking: as much as is there goes, and the call returns at the end only. */
static void a_pipe_is_sent_to_its_end(void **state)
{
    (void)state;
    int server, s = connected_stream(&server), ends[2];
    assert_int_equal(pipe(ends), 0);
    uint8_t bytes[100];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = byte_at(i);
    assert_int_equal(write(ends[1], bytes, sizeof bytes), sizeof bytes);
    close(ends[1]);
    assert_int_equal(tern_sendfile(a, s, ends[0], NULL, 5000), 100);
    assert_reads(server, 0, 100);
    off_t offset = 0;
    assert_fails(tern_sendfile(a, s, ends[0], &offset, 5000), ESPIPE);
    assert_int_equal(tern_send(a, s, "x", 1, 0), 1); /* nothing is left of the attempt */
    close(ends[0]);
}

static void misuse_is_said(void **state)
{
    (void)state;
    int server, s = connected_stream(&server), file = make_file();
    int datagram = open_datagram(a), listener = listen_at(a, ":90", 1);
    off_t offset = -1;
    assert_fails(tern_sendfile(a, datagram, file, NULL, 1), EINVAL);
    assert_fails(tern_sendfile(a, listener, file, NULL, 1), EPIPE);
    assert_fails(tern_sendfile(a, s, file, &offset, 1), EINVAL);
    assert_fails(tern_sendfile(a, s, -1, NULL, 1), EBADF);
    assert_fails(tern_sendfile(a, 77, file, NULL, 1), EBADF);
    assert_int_equal(tern_sendfile(a, s, file, NULL, 0), 0);
    assert_int_equal(tern_shutdown(a, s, SHUT_WR), 0);
    assert_fails(tern_sendfile(a, s, file, NULL, 1), EPIPE);
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(a_part_of_a_file_is_sent_and_the_offset_moves),
        socket_test(without_an_offset_the_descriptor_moves),
        socket_test(the_end_of_the_file_is_the_end),
        socket_test(no_more_is_read_than_there_is_room_for),
        socket_test(a_pipe_is_sent_to_its_end),
        socket_test(misuse_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
