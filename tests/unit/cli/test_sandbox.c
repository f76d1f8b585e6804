#include "unit.h"

#include <errno.h>
#include <string.h>

#include "cli/sandbox.h"

enum { ABSENT = -1 };

static struct tern_error error;

static const char *explained(long clone, long most, long apparmor, int code)
{
    struct sandbox_host host = {clone, most, apparmor};
    sandbox_explain(&host, code, "cannot make a user and network namespace", &error);
    assert_int_equal(error.code, code);
    return error.text;
}

static void each_way_a_host_forbids_sandboxes_has_its_remedy(void **state)
{
    (void)state;
    assert_string_equal(explained(0, 1000, ABSENT, EPERM),
                        "--sandbox: cannot make a user and network namespace: Operation not "
                        "permitted; this host forbids user namespaces; as root: sysctl -w "
                        "kernel.unprivileged_userns_clone=1");
    assert_non_null(strstr(explained(1, 0, ABSENT, ENOSPC),
                           "as root: sysctl -w user.max_user_namespaces=10000"));
    assert_non_null(strstr(explained(ABSENT, 1000, 1, EPERM),
                           "kernel.apparmor_restrict_unprivileged_userns=0"));
    assert_non_null(
        strstr(explained(ABSENT, 1000, 0, ENOSPC), "too many user namespaces are open"));
    assert_non_null(
        strstr(explained(ABSENT, ABSENT, ABSENT, EINVAL), "built without user namespaces"));
    assert_non_null(strstr(explained(ABSENT, 1000, ABSENT, EPERM), "the container"));
}

/* The longest of them fits: its remedy is not cut. */
static void remedies_are_whole(void **state)
{
    (void)state;
    sandbox_explain(&(struct sandbox_host){ABSENT, 1000, ABSENT}, EPERM,
                    "cannot map the user into the new namespace", &error);
    assert_true(strlen(error.text) < sizeof error.text - 1);
    assert_non_null(strstr(error.text, "outside the container"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_a_host_forbids_sandboxes_has_its_remedy),
        cmocka_unit_test(remedies_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
