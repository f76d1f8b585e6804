#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/time.h"
#include "link/fault.h"

static struct fault_profile profile;
static char error[200];

static void every_part_is_read(void **state)
{
    (void)state;
    assert_int_equal(
        fault_profile_parse("loss=5%,dup=1%,reorder=2.5%,corrupt=0.25,ce=3%,delay=20ms,"
                            "jitter=500us,rate=100mbit,queue=50,seed=7",
                            &profile, error, sizeof error),
        0);
    assert_float_equal(profile.loss, 0.05, 1e-9);
    assert_float_equal(profile.duplicate, 0.01, 1e-9);
    assert_float_equal(profile.reorder, 0.025, 1e-9);
    assert_float_equal(profile.corrupt, 0.25, 1e-9);
    assert_float_equal(profile.mark, 0.03, 1e-9);
    assert_int_equal(profile.delay_ns, TIME_MS(20));
    assert_int_equal(profile.jitter_ns, TIME_US(500));
    assert_int_equal(profile.rate_bits, 100000000);
    assert_int_equal(profile.queue_packets, 50);
    assert_int_equal(profile.seed, 7);
}

static void what_is_not_said_is_no_fault(void **state)
{
    (void)state;
    static const struct fault_profile only_loss = {.loss = 1};
    memset(&profile, 0xff, sizeof profile);
    assert_int_equal(fault_profile_parse("loss=100%", &profile, error, sizeof error), 0);
    assert_memory_equal(&profile, &only_loss, sizeof profile);
}

static void units_mean_what_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t delay_ns, rate_bits, seed;
    } cases[] = {
        {"delay=1s", TIME_S(1), 0, 0},
        {"delay=1.5ms", TIME_US(1500), 0, 0},
        {"delay=7ns", 7, 0, 0},
        {"delay=60s", TIME_S(60), 0, 0},
        {"rate=1bit", 0, 1, 0},
        {"rate=9.6kbit", 0, 9600, 0},
        {"rate=10gbit", 0, 10000000000, 0},
        {"seed=18446744073709551615", 0, 0, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(fault_profile_parse(cases[i].text, &profile, error, sizeof error), 0);
        assert_int_equal(profile.delay_ns, cases[i].delay_ns);
        assert_int_equal(profile.rate_bits, cases[i].rate_bits);
        assert_true(profile.seed == cases[i].seed);
    }
}

static void a_comma_may_end_the_list(void **state)
{
    (void)state;
    assert_int_equal(fault_profile_parse("seed=7,loss=100%,", &profile, error, sizeof error), 0);
    assert_float_equal(profile.loss, 1, 1e-9);
    assert_int_equal(profile.seed, 7);
}

static void bad_part_is_named_with_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "name=value is needed"},
        {"loss", "\"loss\": name=value"},
        {",", "name=value is needed"},
        {"loss=5%,,", "name=value is needed"},
        {"loss=5%,,dup=1%", "name=value is needed"},
        {"los=5%", "\"los=5%\": one of loss, dup"},
        {"loss=101%", "\"loss=101%\": a probability"},
        {"loss=1.5", "a probability from 0% to 100%"},
        {"loss=-1%", "a probability"},
        {"loss=", "a probability"},
        {"loss=5 %", "a probability"},
        {"dup=many", "\"dup=many\": a probability"},
        {"reorder=5%%", "a probability"},
        {"delay=20", "a time of at most 60s with its unit"},
        {"delay=61s", "a time"},
        {"jitter=5min", "a time"},
        {"rate=100", "bits a second with their unit"},
        {"rate=0bit", "bits a second"},
        {"rate=100mbps", "bits a second"},
        {"queue=0", "a number of packets from 1"},
        {"queue=65537", "a number of packets"},
        {"queue=5x", "a number of packets"},
        {"seed=18446744073709551616", "below 2^64"},
        {"seed=-1", "below 2^64"},
        {"loss=5%,seed=a1", "\"seed=a1\""},
        {"loss=00000000000000000000000000000000000000000000000000000000000000000001", "too long"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        error[0] = '\0';
        int result = fault_profile_parse(cases[i].text, &profile, error, sizeof error);
        if (result != -EINVAL || !strstr(error, cases[i].words))
            fail_msg("\"%s\": %d \"%s\"", cases[i].text, result, error);
    }
}

static void sentence_is_cut_to_its_room(void **state)
{
    (void)state;
    char small[8];
    memset(small, 'x', sizeof small);
    assert_int_equal(fault_profile_parse("loss=no", &profile, small, sizeof small - 1), -EINVAL);
    assert_int_equal(strlen(small), sizeof small - 2);
    assert_int_equal(small[sizeof small - 1], 'x');
    assert_int_equal(fault_profile_parse("loss=no", &profile, NULL, 0), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_read),
        cmocka_unit_test(what_is_not_said_is_no_fault),
        cmocka_unit_test(units_mean_what_they_say),
        cmocka_unit_test(a_comma_may_end_the_list),
        cmocka_unit_test(bad_part_is_named_with_what_is_allowed),
        cmocka_unit_test(sentence_is_cut_to_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
