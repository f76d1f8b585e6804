/* A process is told from its parent, and from what it was copied from. */
#include "unit.h"

#include <sys/wait.h>
#include <unistd.h>

#include "host/fork.h"

static unsigned generation_of_this(void)
{
    unsigned generation;
    assert_int_equal(fork_generation(&generation), 0);
    return generation;
}

static void a_process_stays_what_it_is(void **state)
{
    (void)state;
    unsigned generation = generation_of_this();
    assert_int_equal(fork_generation_now(), generation);
    assert_int_equal(generation_of_this(), generation);
}

/* What a child exits with. */
static int status_of(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_child_is_another_and_so_is_its_child(void **state)
{
    (void)state;
    unsigned parent = generation_of_this();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        unsigned own = fork_generation_now();
        if (own == parent)
            _exit(1);
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(fork_generation_now() == own || fork_generation_now() == parent ? 2 : 0);
        _exit(grandchild < 0 ? 3 : status_of(grandchild));
    }
    assert_int_equal(status_of(child), 0);
    assert_int_equal(fork_generation_now(), parent); /* who forks is who it was */
}

/* However often it was asked for, one child is one step. */
static void it_is_counted_once(void **state)
{
    (void)state;
    unsigned parent = generation_of_this();
    for (int i = 0; i < 3; i++)
        assert_int_equal(generation_of_this(), parent);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(fork_generation_now() == parent + 1 ? 0 : 1);
    assert_int_equal(status_of(child), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_stays_what_it_is),
        cmocka_unit_test(a_child_is_another_and_so_is_its_child),
        cmocka_unit_test(it_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
