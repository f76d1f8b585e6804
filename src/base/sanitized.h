/* Whether this is built for a sanitizer that keeps track of each object of malloc's by itself. */
#ifndef TERN_BASE_SANITIZED_H
#define TERN_BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

#endif
