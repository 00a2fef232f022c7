/*
 * error.h - how functions of assay report what went wrong.
 *
 * 0 is done. Negative is fatal for the caller's undertaking and is forwarded unchanged: a negated
 * errno value (-ENOMEM: an arena or a bound is full). Positive values are documented by the function
 * that returns them and are its direct caller's to handle. Bad mail is never an error: it is a verdict.
 */
#ifndef ASSAY_BASE_ERROR_H
#define ASSAY_BASE_ERROR_H

#include <errno.h>

#define MUST_CHECK __attribute__((warn_unused_result))

/* Forwards a negative result: the only macro that hides a return. */
#define TRY(expr)                          \
	do {                               \
		int try_result_ = (expr);  \
		if (try_result_ < 0)       \
			return try_result_; \
	} while (0)

/*
 * Checks our own mistakes, in every build; it never looks at input.
 * The process ends at once: a wrong verdict would cost more than a restart.
 */
#define ASSERT(condition)                                            \
	do {                                                         \
		if (__builtin_expect(!(condition), 0))               \
			assert_failed(#condition, __FILE__, __LINE__); \
	} while (0)

__attribute__((noreturn, cold)) void assert_failed(const char *condition, const char *file, int line);

#endif
