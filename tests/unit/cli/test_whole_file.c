#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/whole_file.h"

/* Each test works in a directory of its own. */
static char directory[] = "/tmp/tern-whole-file-XXXXXX";

static int directory_setup(void **state)
{
    (void)state;
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

/* Removes what is there; how many entries there were. */
static int directory_empty(void)
{
    int count = 0;
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            assert_int_equal(unlink(entry->d_name), 0);
            count++;
        }
    closedir(entries);
    return count;
}

static int directory_teardown(void **state)
{
    (void)state;
    directory_empty();
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static const char *content(const char *path)
{
    static char text[64];
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void a_file_appears_when_it_is_committed(void **state)
{
    (void)state;
    struct whole_file file;
    mode_t mask = umask(027);
    assert_int_equal(whole_file_create(&file, "new"), 0);
    umask(mask);
    assert_int_equal(whole_file_write(&file, "whole", 5), 0);
    assert_null(content("new"));
    assert_int_equal(whole_file_commit(&file), 0);
    assert_string_equal(content("new"), "whole");

    struct stat facts;
    assert_int_equal(stat("new", &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0640);
    assert_int_equal(directory_empty(), 1);
}

static void an_abandoned_file_leaves_nothing(void **state)
{
    (void)state;
    struct whole_file file;
    assert_int_equal(whole_file_create(&file, "new"), 0);
    assert_int_equal(whole_file_write(&file, "half", 4), 0);
    whole_file_abandon(&file);
    whole_file_abandon(&file);
    assert_int_equal(directory_empty(), 0);
}

static void what_was_there_stays_until_the_new_is_whole(void **state)
{
    (void)state;
    struct whole_file file;
    put("name", "old");
    assert_int_equal(whole_file_create(&file, "name"), 0);
    assert_int_equal(whole_file_write(&file, "new", 3), 0);
    assert_string_equal(content("name"), "old");
    whole_file_abandon(&file);
    assert_string_equal(content("name"), "old");
    assert_int_equal(whole_file_create(&file, "name"), 0);
    assert_int_equal(whole_file_write(&file, "new", 3), 0);
    assert_int_equal(whole_file_commit(&file), 0);
    assert_string_equal(content("name"), "new");
}

static void the_file_behind_a_link_is_replaced_and_the_link_stays(void **state)
{
    (void)state;
    struct whole_file file;
    struct stat facts;
    put("target", "old");
    assert_int_equal(symlink("target", "link"), 0);
    assert_int_equal(whole_file_create(&file, "link"), 0);
    assert_int_equal(whole_file_write(&file, "new", 3), 0);
    assert_int_equal(whole_file_commit(&file), 0);
    assert_string_equal(content("target"), "new");
    assert_int_equal(lstat("link", &facts), 0);
    assert_true(S_ISLNK(facts.st_mode));
}

static void a_device_is_written_to_and_not_replaced(void **state)
{
    (void)state;
    struct whole_file file;
    struct stat facts;
    assert_int_equal(whole_file_create(&file, "/dev/null"), 0);
    assert_int_equal(whole_file_write(&file, "gone", 4), 0);
    assert_int_equal(whole_file_commit(&file), 0);
    assert_int_equal(stat("/dev/null", &facts), 0);
    assert_true(S_ISCHR(facts.st_mode));
}

static void a_full_device_is_told(void **state)
{
    (void)state;
    struct whole_file file;
    assert_int_equal(whole_file_create(&file, "/dev/full"), 0);
    assert_int_equal(whole_file_write(&file, "x", 1), -ENOSPC);
    whole_file_abandon(&file);
}

static void places_where_no_file_can_be_are_refused(void **state)
{
    (void)state;
    struct whole_file file;
    assert_int_equal(whole_file_create(&file, directory), -EISDIR);
    assert_int_equal(whole_file_create(&file, "absent/name"), -ENOENT);
    assert_int_equal(whole_file_create(&file, ""), -ENOENT);
    put("plain", "");
    assert_int_equal(whole_file_create(&file, "plain/name"), -ENOTDIR);
    assert_int_equal(directory_empty(), 1);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, directory_setup, directory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_file_appears_when_it_is_committed),
        FILE_TEST(an_abandoned_file_leaves_nothing),
        FILE_TEST(what_was_there_stays_until_the_new_is_whole),
        FILE_TEST(the_file_behind_a_link_is_replaced_and_the_link_stays),
        FILE_TEST(a_device_is_written_to_and_not_replaced),
        FILE_TEST(a_full_device_is_told),
        FILE_TEST(places_where_no_file_can_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
