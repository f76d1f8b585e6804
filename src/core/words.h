/* A list of words in one string, "one|two|three": how settings that are words keep their choice. */
#ifndef TERN_CORE_WORDS_H
#define TERN_CORE_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* The place of `word` in the list, from 0 on, or -EINVAL. */
int64_t words_find(const char *words, const char *word);
/* Writes the word at place `index`, which the list must have, as text: 0 or -ENOSPC. */
int words_get(const char *words, int64_t index, char *text, size_t size);

#endif
