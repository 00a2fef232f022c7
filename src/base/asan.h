/*
 * asan.h - poisoned memory, for what hands out parts of larger pieces: nothing without AddressSanitizer.
 *
 * ASAN_IS_ON: 1 under it. TSAN_IS_ON: 1 under ThreadSanitizer.
 */
#ifndef ASSAY_BASE_ASAN_H
#define ASSAY_BASE_ASAN_H

#if defined(__SANITIZE_ADDRESS__)
#define ASAN_IS_ON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN_IS_ON 1
#endif
#if __has_feature(thread_sanitizer)
#define TSAN_IS_ON 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define TSAN_IS_ON 1
#elif !defined(TSAN_IS_ON)
#define TSAN_IS_ON 0
#endif
#ifdef ASAN_IS_ON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_IS_ON 0
#define ASAN_POISON_MEMORY_REGION(ptr, len) ((void)(ptr), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(ptr, len) ((void)(ptr), (void)(len))
#endif

#endif
