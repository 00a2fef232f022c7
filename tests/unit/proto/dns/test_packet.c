/*
 * Goal:   a response is read into exactly the records that answer its question; whatever is malformed is DNS_INVALID.
 * Method: packets are built octet by octet by a small builder, malformed ones first; the good ones are then cut at every
 *         octet, changed in every octet, and read with an arena that is full at every allocation.
 */
#include "proto/dns/packet.h"
#include "unit.h"

#include <stdlib.h>

#define CLASS_IN 1
#define CLASS_CH 3
#define TTL 300
#define QUESTION_AT 12 /* where the question's name stands: the usual target of a compression pointer */

struct packet {
	uint8_t octets[65536];
	size_t len;
	uint16_t answers;
};

static struct arena arena;
static struct packet packet;

static void put(struct packet *p, const void *octets, size_t len)
{
	assert_true(len <= sizeof(p->octets) - p->len);
	memcpy(p->octets + p->len, octets, len);
	p->len += len;
}

static void put_number(struct packet *p, uint64_t number, unsigned octets)
{
	while (octets-- > 0) {
		uint8_t octet = (uint8_t)(number >> 8 * octets);

		put(p, &octet, 1);
	}
}

/* Labels between dots; the empty text is the root. */
static void put_name(struct packet *p, const char *name)
{
	struct slice rest = slice_of_str(name);

	while (rest.len) {
		struct slice label = slice_cut(&rest, '.');

		put_number(p, label.len, 1);
		put(p, label.ptr, label.len);
	}
	put_number(p, 0, 1);
}

static void put_pointer(struct packet *p, size_t target)
{
	put_number(p, 0xc000 | target, 2);
}

static struct packet *begin(const char *question, enum dns_type type)
{
	packet.len = 0;
	packet.answers = 0;
	put_number(&packet, 0x12348180, 4);
	put_number(&packet, 1, 2);
	put_number(&packet, 0, 6);
	put_name(&packet, question);
	put_number(&packet, type, 2);
	put_number(&packet, CLASS_IN, 2);
	return &packet;
}

/* What stands between owner and rdata; the length is set by end_record(). */
static size_t begin_rdata(struct packet *p, unsigned type, unsigned class, uint32_t ttl)
{
	put_number(p, type, 2);
	put_number(p, class, 2);
	put_number(p, ttl, 4);
	put_number(p, 0, 2);
	p->answers++;
	p->octets[7] = (uint8_t)p->answers;
	p->octets[6] = (uint8_t)(p->answers >> 8);
	return p->len;
}

static void end_rdata(struct packet *p, size_t rdata_at)
{
	size_t len = p->len - rdata_at;

	p->octets[rdata_at - 2] = (uint8_t)(len >> 8);
	p->octets[rdata_at - 1] = (uint8_t)len;
}

static void put_record(struct packet *p, const char *owner, unsigned type, uint32_t ttl, struct slice rdata)
{
	size_t at;

	put_name(p, owner);
	at = begin_rdata(p, type, CLASS_IN, ttl);
	put(p, rdata.ptr, rdata.len);
	end_rdata(p, at);
}

static void put_cname(struct packet *p, const char *owner, const char *target, uint32_t ttl)
{
	size_t at;

	put_name(p, owner);
	at = begin_rdata(p, DNS_CNAME, CLASS_IN, ttl);
	put_name(p, target);
	end_rdata(p, at);
}

static struct dns_answer read_slice(struct slice octets, enum dns_type type)
{
	struct dns_answer answer;

	arena_reset(&arena);
	assert_int_equal(dns_packet_read(octets, type, &arena, &answer), 0);
	assert_int_equal(answer.outcome == DNS_FOUND, answer.count > 0);
	assert_false(answer.secure);
	return answer;
}

static struct dns_answer read_packet(const struct packet *p, enum dns_type type)
{
	return read_slice(slice_of(p->octets, p->len), type);
}

static void check_invalid(const char *name, enum dns_type type)
{
	struct dns_answer answer = read_packet(&packet, type);

	if (answer.outcome != DNS_INVALID)
		fail_msg("%s: outcome %d", name, (int)answer.outcome);
	assert_int_equal(answer.count, 0);
	assert_int_equal(answer.ttl, 0);
}

static void check_one(enum dns_type type, struct slice data, uint32_t ttl)
{
	struct dns_answer answer = read_packet(&packet, type);

	assert_int_equal(answer.outcome, DNS_FOUND);
	assert_int_equal(answer.count, 1);
	assert_slice_equal(answer.records[0].data, data);
	assert_int_equal(answer.ttl, ttl);
}

/* --- malformed --- */

static void test_malformed_rdata(void **state)
{
	static const struct {
		const char *name;
		enum dns_type type;
		struct slice rdata;
	} vectors[] = {
		{ "a_of_3_octets", DNS_A, SLICE_INIT("\1\2\3") },
		{ "a_of_5_octets", DNS_A, SLICE_INIT("\1\2\3\4\5") },
		{ "a_empty", DNS_A, SLICE_INIT("") },
		{ "aaaa_of_15_octets", DNS_AAAA, SLICE_INIT("123456789012345") },
		{ "aaaa_of_17_octets", DNS_AAAA, SLICE_INIT("12345678901234567") },
		{ "txt_string_too_long", DNS_TXT, SLICE_INIT("\4abc") },
		{ "txt_second_string_too_long", DNS_TXT, SLICE_INIT("\3abc\1") },
		{ "mx_empty", DNS_MX, SLICE_INIT("") },
		{ "mx_preference_cut", DNS_MX, SLICE_INIT("\0") },
		{ "mx_without_name", DNS_MX, SLICE_INIT("\0\12") },
		{ "mx_name_cut", DNS_MX, SLICE_INIT("\0\12\2mx") },
		{ "mx_octets_behind_name", DNS_MX, SLICE_INIT("\0\12\2mx\0\0") },
		{ "mx_pointer_cut", DNS_MX, SLICE_INIT("\0\12\300") },
		{ "ptr_empty", DNS_PTR, SLICE_INIT("") },
		{ "ptr_label_of_64", DNS_PTR,
		  SLICE_INIT("\100aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\0") },
		{ "ptr_label_type_2", DNS_PTR, SLICE_INIT("\200a\0") },
		{ "ptr_octets_behind_pointer", DNS_PTR, SLICE_INIT("\300\14\0") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		begin("example.com", vectors[i].type);
		put_record(&packet, "example.com", vectors[i].type, TTL, vectors[i].rdata);
		/* What the next record holds must not be taken for the end of this one. */
		put_record(&packet, "other.example", DNS_TXT, TTL, SLICE("\3abc"));
		check_invalid(vectors[i].name, vectors[i].type);
	}
}

/* One record whose owner is a pointer to `target`, an offset counted from the owner itself. */
static void build_pointer(long target_from_here)
{
	size_t at;

	begin("example.com", DNS_A);
	put_pointer(&packet, (size_t)((long)packet.len + target_from_here));
	at = begin_rdata(&packet, DNS_A, CLASS_IN, TTL);
	put(&packet, "\300\0\2\1", 4);
	end_rdata(&packet, at);
}

static void test_pointers_go_backwards_only(void **state)
{
	size_t at;

	(void)state;
	build_pointer(0);
	check_invalid("self", DNS_A);
	build_pointer(1);
	check_invalid("into_itself", DNS_A);
	build_pointer(2);
	check_invalid("forward", DNS_A);
	build_pointer(0x1000);
	check_invalid("beyond_the_end", DNS_A);

	/* A label, then a pointer back to that label: grows for ever where only the target is compared with the pointer. */
	begin("example.com", DNS_A);
	at = packet.len;
	put(&packet, "\3www", 4);
	put_pointer(&packet, at);
	end_rdata(&packet, begin_rdata(&packet, DNS_A, CLASS_IN, TTL));
	check_invalid("loop_through_own_label", DNS_A);

	/* Two names that point to each other. */
	begin("example.com", DNS_A);
	at = packet.len;
	put_pointer(&packet, at + 12);
	end_rdata(&packet, begin_rdata(&packet, DNS_A, CLASS_IN, TTL));
	put_pointer(&packet, at);
	end_rdata(&packet, begin_rdata(&packet, DNS_A, CLASS_IN, TTL));
	check_invalid("mutual", DNS_A);
}

static void test_question_with_a_pointer(void **state)
{
	(void)state;
	packet.len = 0;
	put_number(&packet, 0x12348180, 4);
	put_number(&packet, 1, 2);
	put_number(&packet, 0, 6);
	put_pointer(&packet, QUESTION_AT);
	put_number(&packet, DNS_A, 2);
	put_number(&packet, CLASS_IN, 2);
	check_invalid("question_points_to_itself", DNS_A);
}

static void test_header(void **state)
{
	(void)state;
	for (uint8_t questions = 0; questions < 3; questions++) {
		begin("example.com", DNS_A);
		put_record(&packet, "example.com", DNS_A, TTL, SLICE("\1\2\3\4"));
		packet.octets[5] = questions;
		if (questions == 1)
			check_one(DNS_A, SLICE("\1\2\3\4"), TTL);
		else
			check_invalid("questions", DNS_A);
	}
	begin("example.com", DNS_A);
	packet.octets[6] = packet.octets[7] = 0xff;
	check_invalid("answers_promised_but_absent", DNS_A);
	check_invalid("answers_promised_but_absent", DNS_CNAME);
}

/* 255 octets in wire form are the longest name (RFC 1035 section 3.1); compression must not build a longer one. */
static void test_name_length(void **state)
{
	(void)state;
	for (unsigned last = 60; last <= 62; last++) {
		char name[300] = "";

		for (unsigned label = 0; label < 4; label++)
			snprintf(name + strlen(name), sizeof(name) - strlen(name), "%s%.*s", label ? "." : "",
			         label < 3 ? 63 : (int)last,
			         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
		begin("example.com", DNS_PTR);
		put_name(&packet, "example.com");
		{
			size_t at = begin_rdata(&packet, DNS_PTR, CLASS_IN, TTL);

			put_name(&packet, name);
			end_rdata(&packet, at);
		}
		if (last <= 61)
			check_one(DNS_PTR, slice_of_str(name), TTL);
		else
			check_invalid("name_of_256_octets", DNS_PTR);
	}
}

/* --- aliases --- */

static void build_chain(unsigned aliases, bool reversed)
{
	begin("n0.example", DNS_TXT);
	if (reversed)
		put_record(&packet, aliases == 0 ? "n0.example" : "end.example", DNS_TXT, TTL, SLICE("\3end"));
	for (unsigned i = 0; i < aliases; i++) {
		unsigned n = reversed ? aliases - 1 - i : i;
		char owner[32], target[32];

		snprintf(owner, sizeof(owner), "n%u.example", n);
		snprintf(target, sizeof(target), "n%u.example", n + 1);
		put_cname(&packet, owner, n + 1 == aliases ? "end.example" : target, TTL + n);
	}
	if (!reversed)
		put_record(&packet, aliases == 0 ? "n0.example" : "end.example", DNS_TXT, TTL, SLICE("\3end"));
}

static void check_chain(unsigned aliases)
{
	check_one(DNS_TXT, SLICE("end"), TTL);
	assert_slice_equal(read_packet(&packet, DNS_TXT).alias, aliases ? SLICE("end.example") : SLICE_EMPTY);
}

/* LESSONS row 20. */
static void test_alias_chains(void **state)
{
	(void)state;
	for (unsigned aliases = 0; aliases < 12; aliases++) {
		for (unsigned reversed = 0; reversed < 2; reversed++) {
			build_chain(aliases, reversed);
			if (aliases <= DNS_ALIASES_MAX)
				check_chain(aliases);
			else
				check_invalid("chain_too_long", DNS_TXT);
		}
	}
}

static void test_alias_loop(void **state)
{
	(void)state;
	begin("a.example", DNS_TXT);
	put_cname(&packet, "a.example", "b.example", TTL);
	put_cname(&packet, "b.example", "a.example", TTL);
	check_invalid("loop", DNS_TXT);
	begin("a.example", DNS_TXT);
	put_cname(&packet, "a.example", "a.example", TTL);
	check_invalid("self", DNS_TXT);
}

static void test_alias_without_records_is_nodata(void **state)
{
	struct dns_answer answer;

	(void)state;
	begin("a.example", DNS_TXT);
	put_cname(&packet, "a.example", "b.example", TTL);
	answer = read_packet(&packet, DNS_TXT);
	assert_int_equal(answer.outcome, DNS_NODATA);
	assert_int_equal(answer.ttl, 0);
	assert_slice_equal(answer.alias, SLICE("b.example"));
}

static void put_soa(uint32_t ttl, uint32_t minimum)
{
	uint8_t numbers[16] = { 0 };
	size_t at;

	put_name(&packet, "example");
	at = begin_rdata(&packet, DNS_SOA, CLASS_IN, ttl);
	put_name(&packet, "ns.example");
	put_name(&packet, "admin.example");
	put(&packet, numbers, sizeof(numbers));
	put_number(&packet, minimum, 4);
	end_rdata(&packet, at);
}

static struct dns_answer read_negative(unsigned rcode, uint32_t soa_ttl, uint32_t soa_minimum)
{
	begin("a.example", DNS_TXT);
	packet.octets[3] = (uint8_t)(0x80 | rcode);
	put_soa(soa_ttl, soa_minimum);
	packet.octets[7] = 0; /* the record stands in the authority section */
	packet.octets[9] = 1;
	return read_packet(&packet, DNS_TXT);
}

/* RFC 2308 section 5: the lesser of the two; and without the record, nothing to keep. */
static void test_negative_ttl(void **state)
{
	(void)state;
	assert_int_equal(read_negative(0, 900, 300).ttl, 300);
	assert_int_equal(read_negative(0, 200, 300).ttl, 200);
	assert_int_equal(read_negative(0, 200, 300).outcome, DNS_NODATA);
	assert_int_equal(read_negative(3, 900, 300).ttl, 300);
	assert_int_equal(read_negative(3, 900, 300).outcome, DNS_NXDOMAIN);
	packet.octets[9] = 0;
	assert_int_equal(read_packet(&packet, DNS_TXT).ttl, 0);
	assert_int_equal(read_packet(&packet, DNS_TXT).outcome, DNS_NXDOMAIN);
}

/* The server adds the CNAME it made from the DNAME (RFC 6672 section 3.1); the DNAME itself is passed over. */
static void test_dname_with_synthesized_cname(void **state)
{
	size_t at;

	(void)state;
	begin("s._domainkey.old.example", DNS_TXT);
	put_name(&packet, "old.example");
	at = begin_rdata(&packet, 39, CLASS_IN, TTL);
	put_name(&packet, "new.example");
	end_rdata(&packet, at);
	put_cname(&packet, "s._domainkey.old.example", "s._domainkey.new.example", 7);
	put_record(&packet, "s._domainkey.new.example", DNS_TXT, TTL, SLICE("\1k"));
	check_one(DNS_TXT, SLICE("k"), 7);
}

static void test_question_for_an_alias_does_not_follow_it(void **state)
{
	(void)state;
	begin("a.example", DNS_CNAME);
	put_cname(&packet, "a.example", "B.Example", TTL);
	put_cname(&packet, "b.example", "c.example", TTL);
	check_one(DNS_CNAME, SLICE("b.example"), TTL);
}

/* The target has to fill the rdata: otherwise two readers of the packet see two names. */
static void test_alias_target_outside_its_rdata(void **state)
{
	static const struct {
		const char *name;
		unsigned rdata_len; /* the target has 11 octets */
	} vectors[] = { { "empty", 0 }, { "name_longer_than_rdata", 10 }, { "rdata_longer_than_name", 12 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		size_t at;

		begin("a.example", DNS_TXT);
		put_name(&packet, "a.example");
		at = begin_rdata(&packet, DNS_CNAME, CLASS_IN, TTL);
		put_name(&packet, "b.example");
		assert_int_equal(packet.len - at, 11);
		packet.len = at + vectors[i].rdata_len;
		packet.octets[at + 11] = 0;
		end_rdata(&packet, at);
		packet.len = at + 12;
		check_invalid(vectors[i].name, DNS_TXT);
	}
}

/* --- what counts as an answer --- */

static void test_no_answer_is_nodata(void **state)
{
	struct dns_answer answer;

	(void)state;
	begin("example.com", DNS_A);
	answer = read_packet(&packet, DNS_A);
	assert_int_equal(answer.outcome, DNS_NODATA);
	assert_int_equal(answer.ttl, 0);
	begin("", DNS_A);
	assert_int_equal(read_packet(&packet, DNS_A).outcome, DNS_NODATA);
}

static void test_other_records_are_ignored(void **state)
{
	size_t at;

	(void)state;
	begin("example.com", DNS_A);
	put_record(&packet, "example.org", DNS_A, 1, SLICE("\1\1\1\1"));
	put_record(&packet, "www.example.com", DNS_A, 1, SLICE("\1\1\1\1"));
	put_record(&packet, "com", DNS_A, 1, SLICE("\1\1\1\1"));
	put_record(&packet, "example.com", DNS_AAAA, 1, SLICE("1234567890123456"));
	put_record(&packet, "example.com", 46, 1, SLICE("signature"));
	put_name(&packet, "example.com");
	at = begin_rdata(&packet, DNS_A, CLASS_CH, 1);
	put(&packet, "\1\1\1\1", 4);
	end_rdata(&packet, at);
	put_name(&packet, "example.com");
	at = begin_rdata(&packet, DNS_CNAME, CLASS_CH, 1);
	put_name(&packet, "example.org");
	end_rdata(&packet, at);
	assert_int_equal(read_packet(&packet, DNS_A).outcome, DNS_NODATA);
	put_record(&packet, "example.com", DNS_A, TTL, SLICE("\2\2\2\2"));
	check_one(DNS_A, SLICE("\2\2\2\2"), TTL);
}

/* A dot inside a label is no separator: such an owner is another name. */
static void test_owners_compare_by_labels(void **state)
{
	size_t at;

	(void)state;
	begin("a.b.example", DNS_A);
	put(&packet, "\3a.b\7example\0", 13);
	at = begin_rdata(&packet, DNS_A, CLASS_IN, TTL);
	put(&packet, "\1\1\1\1", 4);
	end_rdata(&packet, at);
	assert_int_equal(read_packet(&packet, DNS_A).outcome, DNS_NODATA);
}

static void test_names_fold_case(void **state)
{
	size_t at;

	(void)state;
	begin("ExAmPlE.CoM", DNS_MX);
	put_name(&packet, "eXaMpLe.cOm");
	at = begin_rdata(&packet, DNS_MX, CLASS_IN, TTL);
	put_number(&packet, 10, 2);
	put(&packet, "\2MX", 3);
	put_pointer(&packet, QUESTION_AT);
	end_rdata(&packet, at);
	check_one(DNS_MX, SLICE("mx.example.com"), TTL);
	assert_int_equal(read_packet(&packet, DNS_MX).records[0].preference, 10);
}

static void test_octets_of_names(void **state)
{
	static const struct {
		const char *name;
		struct slice wire, text;
	} vectors[] = {
		{ "root", SLICE_INIT("\0"), SLICE_INIT("") },
		{ "dot_in_label", SLICE_INIT("\3a.b\1c\0"), SLICE_INIT("a\\046b.c") },
		{ "backslash", SLICE_INIT("\1\\\0"), SLICE_INIT("\\092") },
		{ "space", SLICE_INIT("\3a b\0"), SLICE_INIT("a\\032b") },
		{ "nul", SLICE_INIT("\3a\0b\0"), SLICE_INIT("a\\000b") },
		{ "controls", SLICE_INIT("\3\r\n\177\0"), SLICE_INIT("\\013\\010\\127") },
		{ "high", SLICE_INIT("\2\200\377\0"), SLICE_INIT("\\128\\255") },
		{ "printable", SLICE_INIT("\10!\"(;)@$_\1~\0"), SLICE_INIT("!\"(;)@$_.~") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		static const enum dns_type types[] = { DNS_PTR, DNS_CNAME };

		for (size_t t = 0; t < COUNT_OF(types); t++) {
			begin("example.com", types[t]);
			put_record(&packet, "example.com", types[t], TTL, vectors[i].wire);
			check_one(types[t], vectors[i].text, TTL);
		}
	}
}

/* 253 octets that all have to be escaped make the longest text. */
static void test_longest_text_of_a_name(void **state)
{
	char name[260], want[1100] = "";

	(void)state;
	memset(name, 1, sizeof(name));
	name[63] = name[127] = name[191] = '.';
	name[253] = 0;
	for (unsigned i = 0; i < 253; i++)
		strcat(want, name[i] == '.' ? "." : "\\001");
	begin("example.com", DNS_PTR);
	{
		size_t at;

		put_name(&packet, "example.com");
		at = begin_rdata(&packet, DNS_PTR, CLASS_IN, TTL);
		put_name(&packet, name);
		end_rdata(&packet, at);
	}
	check_one(DNS_PTR, slice_of_str(want), TTL);
}

static void test_txt_strings_are_joined(void **state)
{
	static const struct {
		const char *name;
		struct slice rdata, text;
	} vectors[] = {
		{ "one", SLICE_INIT("\3abc"), SLICE_INIT("abc") },
		{ "several_without_a_space", SLICE_INIT("\7v=spf1 \1-\3all"), SLICE_INIT("v=spf1 -all") },
		{ "empty_strings", SLICE_INIT("\0\1a\0\0\1b\0"), SLICE_INIT("ab") },
		{ "only_an_empty_string", SLICE_INIT("\0"), SLICE_INIT("") },
		{ "any_octets", SLICE_INIT("\4\0\r\n\377"), SLICE_INIT("\0\r\n\377") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		begin("example.com", DNS_TXT);
		put_record(&packet, "example.com", DNS_TXT, TTL, vectors[i].rdata);
		check_one(DNS_TXT, vectors[i].text, TTL);
	}
}

/* LESSONS row 3: large sets of TXT records, in their order, each of several full strings. */
static void test_fifty_txt_records(void **state)
{
	struct dns_answer answer;

	(void)state;
	begin("example.com", DNS_TXT);
	for (unsigned i = 0; i < 50; i++) {
		size_t at;

		put_pointer(&packet, QUESTION_AT);
		at = begin_rdata(&packet, DNS_TXT, CLASS_IN, TTL + 50 - i);
		for (unsigned string = 0; string < 4; string++) {
			uint8_t text[256];

			memset(text, (int)('!' + i), sizeof(text));
			text[0] = 255;
			put(&packet, text, sizeof(text));
		}
		end_rdata(&packet, at);
	}
	answer = read_packet(&packet, DNS_TXT);
	assert_int_equal(answer.outcome, DNS_FOUND);
	assert_int_equal(answer.count, 50);
	assert_int_equal(answer.ttl, TTL + 1);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(answer.records[i].data.len, 4 * 255);
		for (size_t at = 0; at < answer.records[i].data.len; at++)
			assert_int_equal(answer.records[i].data.ptr[at], '!' + i);
	}
}

static void test_largest_packet(void **state)
{
	struct dns_answer answer;
	size_t records = 0;

	(void)state;
	begin("example.com", DNS_A);
	while (packet.len + 16 <= 65535) {
		size_t at;

		put_pointer(&packet, QUESTION_AT);
		at = begin_rdata(&packet, DNS_A, CLASS_IN, TTL);
		put_number(&packet, records++, 4);
		end_rdata(&packet, at);
	}
	answer = read_packet(&packet, DNS_A);
	assert_int_equal(answer.count, records);
	assert_int_equal(answer.records[records - 1].data.ptr[3], (records - 1) & 0xff);
}

static void test_least_ttl_on_the_way(void **state)
{
	static const uint32_t ttls[][4] = { { 5, 600, 700, 5 }, { 600, 5, 700, 5 }, { 600, 700, 5, 5 },
		                            { 0, 9, 9, 0 },     { 300, 300, 300, 300 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ttls); i++) {
		begin("a.example", DNS_A);
		put_cname(&packet, "a.example", "b.example", ttls[i][0]);
		put_record(&packet, "b.example", DNS_A, ttls[i][1], SLICE("\1\1\1\1"));
		put_record(&packet, "b.example", DNS_A, ttls[i][2], SLICE("\2\2\2\2"));
		put_record(&packet, "c.example", DNS_A, 1, SLICE("\3\3\3\3"));
		assert_int_equal(read_packet(&packet, DNS_A).count, 2);
		assert_int_equal(read_packet(&packet, DNS_A).ttl, ttls[i][3]);
	}
}

static void test_raw_types(void **state)
{
	(void)state;
	begin("_25._tcp.mx.example", DNS_TLSA);
	put_record(&packet, "_25._tcp.mx.example", DNS_TLSA, TTL, SLICE("\3\1\1digest"));
	check_one(DNS_TLSA, SLICE("\3\1\1digest"), TTL);
}

static void test_answer_points_nowhere_into_the_packet(void **state)
{
	struct dns_answer answer;

	(void)state;
	begin("example.com", DNS_TXT);
	put_record(&packet, "example.com", DNS_TXT, TTL, SLICE("\3abc"));
	answer = read_packet(&packet, DNS_TXT);
	memset(packet.octets, 0, sizeof(packet.octets));
	assert_slice_equal(answer.records[0].data, SLICE("abc"));
}

/* --- every cut, every change, every allocation --- */

static void build_rich_packet(void)
{
	size_t at;

	begin("a.example", DNS_MX);
	put_pointer(&packet, QUESTION_AT);
	at = begin_rdata(&packet, DNS_CNAME, CLASS_IN, TTL);
	put_name(&packet, "b.example");
	end_rdata(&packet, at);
	for (unsigned i = 0; i < 3; i++) {
		put_pointer(&packet, at);
		{
			size_t rdata_at = begin_rdata(&packet, DNS_MX, CLASS_IN, TTL);

			put_number(&packet, i, 2);
			put(&packet, "\2mx", 3);
			put_pointer(&packet, at);
			end_rdata(&packet, rdata_at);
		}
	}
}

static void test_cut_at_every_octet(void **state)
{
	(void)state;
	build_rich_packet();
	assert_int_equal(read_packet(&packet, DNS_MX).count, 3);
	for (size_t len = 0; len < packet.len; len++) {
		/* Memory of its own, so that sanitizers see a read behind the cut. */
		uint8_t *octets = malloc(len ? len : 1);

		assert_non_null(octets);
		memcpy(octets, packet.octets, len);
		assert_int_equal(read_slice(slice_of(octets, len), DNS_MX).outcome, DNS_INVALID);
		free(octets);
	}
}

/* Whatever comes out is within the bounds of an answer; sanitizers watch the rest. */
static void test_every_octet_changed(void **state)
{
	(void)state;
	build_rich_packet();
	for (size_t at = 0; at < packet.len; at++) {
		uint8_t before = packet.octets[at];

		for (unsigned octet = 0; octet < 256; octet++) {
			struct dns_answer answer;

			packet.octets[at] = (uint8_t)octet;
			answer = read_packet(&packet, DNS_MX);
			assert_true(answer.outcome == DNS_FOUND || answer.outcome == DNS_NODATA ||
			            answer.outcome == DNS_NXDOMAIN || answer.outcome == DNS_INVALID);
			assert_true(answer.count <= 3);
		}
		packet.octets[at] = before;
	}
}

static void test_full_at_every_allocation(void **state)
{
	unsigned failed = 0;
	int result = -ENOMEM;

	(void)state;
	build_rich_packet();
	for (size_t bytes_max = 0; result != 0; bytes_max += 16) {
		struct dns_answer answer;
		struct arena small;

		arena_init(&small, bytes_max);
		result = dns_packet_read(slice_of(packet.octets, packet.len), DNS_MX, &small, &answer);
		assert_true(result == 0 || result == -ENOMEM);
		failed += result != 0;
		if (result == 0)
			assert_int_equal(answer.count, 3);
		arena_deinit(&small);
	}
	assert_true(failed >= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_malformed_rdata),
		cmocka_unit_test(test_pointers_go_backwards_only),
		cmocka_unit_test(test_question_with_a_pointer),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_name_length),
		cmocka_unit_test(test_alias_chains),
		cmocka_unit_test(test_alias_loop),
		cmocka_unit_test(test_alias_without_records_is_nodata),
		cmocka_unit_test(test_negative_ttl),
		cmocka_unit_test(test_dname_with_synthesized_cname),
		cmocka_unit_test(test_question_for_an_alias_does_not_follow_it),
		cmocka_unit_test(test_alias_target_outside_its_rdata),
		cmocka_unit_test(test_no_answer_is_nodata),
		cmocka_unit_test(test_other_records_are_ignored),
		cmocka_unit_test(test_owners_compare_by_labels),
		cmocka_unit_test(test_names_fold_case),
		cmocka_unit_test(test_octets_of_names),
		cmocka_unit_test(test_longest_text_of_a_name),
		cmocka_unit_test(test_txt_strings_are_joined),
		cmocka_unit_test(test_fifty_txt_records),
		cmocka_unit_test(test_largest_packet),
		cmocka_unit_test(test_least_ttl_on_the_way),
		cmocka_unit_test(test_raw_types),
		cmocka_unit_test(test_answer_points_nowhere_into_the_packet),
		cmocka_unit_test(test_cut_at_every_octet),
		cmocka_unit_test(test_every_octet_changed),
		cmocka_unit_test(test_full_at_every_allocation),
	};
	int failed;

	arena_init(&arena, 16 << 20);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_deinit(&arena);
	return failed;
}
