/*
 * words.c - texts for the codes of assay.h.
 */
#include "client/assay.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

#ifndef ASSAY_VERSION
#define ASSAY_VERSION "unknown"
#endif

static const char *word(const char *const *words, size_t count, unsigned value)
{
	return value < count && words[value] ? words[value] : "unknown";
}

const char *assay_error_text(enum assay_error error)
{
	static const char *const texts[] = {
		[ASSAY_OK] = "no error",
		[ASSAY_ERROR_ARGUMENT] = "a value cannot be used",
		[ASSAY_ERROR_MEMORY] = "out of memory",
		[ASSAY_ERROR_CONNECT] = "the server cannot be reached",
		[ASSAY_ERROR_TIMEOUT] = "the server did not answer in time",
		[ASSAY_ERROR_PROTOCOL] = "the server's reply cannot be understood",
		[ASSAY_ERROR_FORKED] = "not in a child process of the one that opened it",
		[ASSAY_ERROR_INVALID] = "the server finds the request invalid",
		[ASSAY_ERROR_TOO_LARGE] = "the message is larger than the server takes",
		[ASSAY_ERROR_OVERLOADED] = "the server has too much to do",
		[ASSAY_ERROR_DEADLINE] = "the server came to no verdict in time",
		[ASSAY_ERROR_UNSUPPORTED] = "the server does not do this",
		[ASSAY_ERROR_INTERNAL] = "the server has a fault",
	};
	return word(texts, COUNT_OF(texts), (unsigned)error);
}

const char *assay_result_word(enum assay_result result)
{
	static const char *const words[] = {
		[ASSAY_NONE] = "none",           [ASSAY_NEUTRAL] = "neutral",     [ASSAY_PASS] = "pass",
		[ASSAY_FAIL] = "fail",           [ASSAY_SOFTFAIL] = "softfail",   [ASSAY_POLICY] = "policy",
		[ASSAY_TEMPERROR] = "temperror", [ASSAY_PERMERROR] = "permerror",
	};
	return word(words, COUNT_OF(words), (unsigned)result);
}

const char *assay_policy_word(enum assay_policy policy)
{
	static const char *const words[] = { "none", "quarantine", "reject" };

	return word(words, COUNT_OF(words), (unsigned)policy);
}

const char *assay_tls_result_word(enum assay_tls_result result)
{
	static const char *const words[] = {
		[ASSAY_TLS_POLICY] = "policy",     [ASSAY_TLS_RECORD] = "record",       [ASSAY_TLS_SECURE] = "secure",
		[ASSAY_TLS_INSECURE] = "insecure", [ASSAY_TLS_BOGUS] = "bogus",         [ASSAY_TLS_NONE] = "none",
		[ASSAY_TLS_INVALID] = "invalid",   [ASSAY_TLS_TEMPERROR] = "temperror",
	};
	return word(words, COUNT_OF(words), (unsigned)result);
}

const char *assay_dane_delivery_word(enum assay_dane_delivery delivery)
{
	static const char *const words[] = {
		[ASSAY_DANE_AUTHENTICATE] = "dane",
		[ASSAY_DANE_TLS_REQUIRED] = "tls-required",
		[ASSAY_DANE_TLS_IF_POSSIBLE] = "tls-if-possible",
		[ASSAY_DANE_DEFER] = "defer",
		[ASSAY_DANE_NO_DELIVERY] = "none",
	};

	return word(words, COUNT_OF(words), (unsigned)delivery);
}

const char *assay_version(void)
{
	return ASSAY_VERSION;
}
