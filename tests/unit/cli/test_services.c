#include "unit.h"

#include <string.h>

#include "cli/services.h"

static void services_are_found_by_their_whole_name(void **state)
{
    (void)state;
    assert_int_equal(service_find("echo", 4), SERVICE_ECHO);
    assert_int_equal(service_find("daytime:13", 7), SERVICE_DAYTIME);
    assert_int_equal(service_find("ech", 3), -1);
    assert_int_equal(service_find("echoo", 5), -1);
    assert_int_equal(service_find("", 0), -1);
}

static void chargen_line(char out[CHARGEN_LINE + 1], unsigned line)
{
    size_t length;
    const uint8_t *bytes = chargen_at((uint64_t)line * CHARGEN_LINE, &length);
    assert_true(length >= CHARGEN_LINE);
    memcpy(out, bytes, CHARGEN_LINE);
    out[CHARGEN_LINE] = '\0';
}

/* RFC 864's figure. */
static void chargen_turns_through_the_printable_characters(void **state)
{
    (void)state;
    char line[CHARGEN_LINE + 1];
    chargen_line(line, 0);
    assert_string_equal(
        line, " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg\r\n");
    chargen_line(line, 1);
    assert_string_equal(
        line, "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh\r\n");
    chargen_line(line, 94);
    assert_string_equal(
        line, "~ !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdef\r\n");
    chargen_line(line, 95);
    assert_int_equal(line[0], ' ');
}

static void chargen_goes_on_at_any_position(void **state)
{
    (void)state;
    size_t length, start_length;
    const uint8_t *start = chargen_at(0, &start_length);
    assert_int_equal(start_length, CHARGEN_PERIOD);
    for (uint64_t position = 1; position < 2 * CHARGEN_PERIOD; position += 13) {
        const uint8_t *at = chargen_at(position, &length);
        assert_ptr_equal(at, start + position % CHARGEN_PERIOD);
        assert_ptr_equal(at + length, start + CHARGEN_PERIOD);
    }
}

static void daytime_is_one_line_of_ascii(void **state)
{
    (void)state;
    char text[SERVICE_TEXT_MAX];
    size_t length = daytime_write(1000000000, text);
    assert_int_equal(length, strlen(text));
    assert_non_null(strstr(text, "September"));
    assert_non_null(strstr(text, "2001"));
    assert_string_equal(text + length - 2, "\r\n");
}

static void datagrams_are_answered_as_the_rfcs_say(void **state)
{
    (void)state;
    char text[SERVICE_TEXT_MAX];
    const uint8_t in[5] = "hello";
    const uint8_t *out;
    size_t length;
    assert_true(service_answer(SERVICE_ECHO, in, 5, 0, text, &out, &length));
    assert_int_equal(length, 5);
    assert_memory_equal(out, in, 5);
    assert_true(service_answer(SERVICE_ECHO, in, 0, 0, text, &out, &length));
    assert_int_equal(length, 0);
    assert_false(service_answer(SERVICE_DISCARD, in, 5, 0, text, &out, &length));
    assert_true(service_answer(SERVICE_CHARGEN, in, 5, 0, text, &out, &length));
    assert_in_range(length, 1, 512);
    assert_true(service_answer(SERVICE_DAYTIME, in, 5, 0, text, &out, &length));
    assert_ptr_equal(out, text);
}

static void ports_that_would_answer_back_are_known(void **state)
{
    (void)state;
    assert_true(service_port_loops(7));
    assert_true(service_port_loops(13));
    assert_true(service_port_loops(17));
    assert_true(service_port_loops(19));
    assert_true(service_port_loops(37));
    assert_false(service_port_loops(9));
    assert_false(service_port_loops(5000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_are_found_by_their_whole_name),
        cmocka_unit_test(chargen_turns_through_the_printable_characters),
        cmocka_unit_test(chargen_goes_on_at_any_position),
        cmocka_unit_test(daytime_is_one_line_of_ascii),
        cmocka_unit_test(datagrams_are_answered_as_the_rfcs_say),
        cmocka_unit_test(ports_that_would_answer_back_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
