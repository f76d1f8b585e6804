#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tcp/tcb.h"

/* RFC 9293 §3.3.2, figure 5, with its notes: from, to. Any state falls to CLOSED. */
static const enum tcp_state legal[][2] = {
    {TCP_CLOSED, TCP_SYN_SENT},         {TCP_CLOSED, TCP_SYN_RECEIVED},
    {TCP_SYN_SENT, TCP_SYN_RECEIVED},   {TCP_SYN_SENT, TCP_ESTABLISHED},
    {TCP_SYN_SENT, TCP_CLOSED},         {TCP_SYN_RECEIVED, TCP_ESTABLISHED},
    {TCP_SYN_RECEIVED, TCP_FIN_WAIT_1}, {TCP_SYN_RECEIVED, TCP_CLOSE_WAIT},
    {TCP_SYN_RECEIVED, TCP_CLOSED},     {TCP_ESTABLISHED, TCP_FIN_WAIT_1},
    {TCP_ESTABLISHED, TCP_CLOSE_WAIT},  {TCP_ESTABLISHED, TCP_CLOSED},
    {TCP_FIN_WAIT_1, TCP_FIN_WAIT_2},   {TCP_FIN_WAIT_1, TCP_CLOSING},
    {TCP_FIN_WAIT_1, TCP_TIME_WAIT},    {TCP_FIN_WAIT_1, TCP_CLOSED},
    {TCP_FIN_WAIT_2, TCP_TIME_WAIT},    {TCP_FIN_WAIT_2, TCP_CLOSED},
    {TCP_CLOSE_WAIT, TCP_LAST_ACK},     {TCP_CLOSE_WAIT, TCP_CLOSED},
    {TCP_CLOSING, TCP_TIME_WAIT},       {TCP_CLOSING, TCP_CLOSED},
    {TCP_LAST_ACK, TCP_CLOSED},         {TCP_TIME_WAIT, TCP_CLOSED},
};

static bool is_legal(enum tcp_state from, enum tcp_state to)
{
    for (size_t i = 0; i < sizeof legal / sizeof legal[0]; i++)
        if (legal[i][0] == from && legal[i][1] == to)
            return true;
    return false;
}

/* Makes the change in a process of its own: whether the assertion let it pass. */
static bool passes(enum tcp_state from, enum tcp_state to)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct tcb tcb = {.state = from};
        fclose(stderr); /* the assertion's message is expected */
        signal(SIGABRT, SIG_DFL);
        tcp_set_state(&tcb, to);
        _exit(tcb.state == to ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    else
        assert_int_equal(WTERMSIG(status), SIGABRT);
    return WIFEXITED(status);
}

static void every_transition_of_the_diagram_and_no_other_is_allowed(void **state)
{
    (void)state;
#ifdef NDEBUG
    skip(); /* the table is asserted */
#endif
    for (int from = TCP_ESTABLISHED; from < TCP_STATES; from++)
        for (int to = TCP_ESTABLISHED; to < TCP_STATES; to++)
            assert_int_equal(passes(from, to), is_legal(from, to));
}

static void states_say_what_may_be_sent_and_received(void **state)
{
    (void)state;
    for (int i = TCP_ESTABLISHED; i < TCP_STATES; i++) {
        enum tcp_state s = (enum tcp_state)i;
        bool synchronized =
            s != TCP_CLOSED && s != TCP_LISTEN && s != TCP_SYN_SENT && s != TCP_SYN_RECEIVED;
        assert_int_equal(tcp_state_synchronized(s), synchronized);
        assert_int_equal(tcp_state_can_send(s), s == TCP_ESTABLISHED || s == TCP_CLOSE_WAIT);
        assert_int_equal(tcp_state_can_receive(s),
                         s == TCP_ESTABLISHED || s == TCP_FIN_WAIT_1 || s == TCP_FIN_WAIT_2);
    }
}

/* A program that reads TCP_INFO goes by these. */
static void states_have_the_numbers_of_linux(void **state)
{
    (void)state;
    static const enum tcp_state in_order[] = {TCP_ESTABLISHED, TCP_SYN_SENT,   TCP_SYN_RECEIVED,
                                              TCP_FIN_WAIT_1,  TCP_FIN_WAIT_2, TCP_TIME_WAIT,
                                              TCP_CLOSED,      TCP_CLOSE_WAIT, TCP_LAST_ACK,
                                              TCP_LISTEN,      TCP_CLOSING};
    for (int i = 0; i < TCP_STATES - 1; i++)
        assert_int_equal(in_order[i], i + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_transition_of_the_diagram_and_no_other_is_allowed),
        cmocka_unit_test(states_say_what_may_be_sent_and_received),
        cmocka_unit_test(states_have_the_numbers_of_linux),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
