#include "core/words.h"

#include <errno.h>
#include <string.h>

int64_t words_find(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (int64_t index = 0;; index++) {
        size_t span = strcspn(words, "|");
        if (span == length && memcmp(words, word, length) == 0)
            return index;
        if (words[span] == '\0')
            return -EINVAL;
        words += span + 1;
    }
}

int words_get(const char *words, int64_t index, char *text, size_t size)
{
    for (; index > 0; index--)
        words += strcspn(words, "|") + 1;
    size_t span = strcspn(words, "|");
    if (span >= size)
        return -ENOSPC;
    memcpy(text, words, span);
    text[span] = '\0';
    return 0;
}
