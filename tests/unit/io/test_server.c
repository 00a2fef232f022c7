/*
 * Goal:   frames come out as they were sent, however the octets are cut on the way; every bound does what the header says
 *         and nothing else breaks on it.
 * Method: real sockets in one thread: peers write and read in every turn of the loop that also drives the server. What
 *         arrives is copied and compared. Skipped where io_uring is not to be had.
 */
#include "io/blocks.h"
#include "io/server.h"
#include "looping.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PEERS = 4, RECEIVED_MAX = 4096, PROTOCOL = 0x31, PEER_PROTOCOL = 0x30 };

static const uint8_t greeting_good[8] = { 0, 'S', 'P', 0, 0, PEER_PROTOCOL, 0, 0 };
static const uint8_t greeting_expected[8] = { 0, 'S', 'P', 0, 0, PROTOCOL, 0, 0 };

/* --- octets that grow --- */

struct octets {
	uint8_t *ptr;
	size_t len, size;
};

static uint8_t *octets_room(struct octets *octets, size_t more)
{
	if (octets->size - octets->len < more) {
		octets->size = (octets->len + more) * 2;
		octets->ptr = realloc(octets->ptr, octets->size);
		assert_non_null(octets->ptr);
	}
	octets->len += more;
	return octets->ptr + octets->len - more;
}

static void octets_add(struct octets *octets, const void *ptr, size_t len)
{
	if (len)
		memcpy(octets_room(octets, len), ptr, len);
}

static void octets_free(struct octets *octets)
{
	free(octets->ptr);
	*octets = (struct octets){ NULL, 0, 0 };
}

/* Different at every offset and for every seed, so that no misplaced piece goes unseen. */
static uint8_t pattern(size_t at, unsigned seed)
{
	return (uint8_t)(at * 31 + (at >> 8) * 17 + (at >> 16) * 7 + seed);
}

/* --- peers --- */

static struct peer {
	int fd; /* -1: none */
	bool is_ipc;
	struct octets out, in;
	size_t out_at, out_allowed; /* octets of `out` sent, and that may be sent so far */
	size_t chunk_max;           /* of one write; 0: any */
	bool reads, eof;
} peers[PEERS];

static void peer_pump(struct peer *peer)
{
	static uint8_t read[1 << 18];
	ssize_t n;

	if (peer->fd < 0)
		return;
	while (peer->out_at < peer->out_allowed) {
		size_t len = peer->out_allowed - peer->out_at;

		if (peer->chunk_max && len > peer->chunk_max)
			len = peer->chunk_max;
		n = send(peer->fd, peer->out.ptr + peer->out_at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0)
			break;
		peer->out_at += (size_t)n;
		if (peer->chunk_max)
			break;
	}
	while (peer->reads && !peer->eof) {
		n = recv(peer->fd, read, sizeof(read), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0)
			peer->eof = true;
		else
			octets_add(&peer->in, read, (size_t)n);
	}
}

static void pump(void)
{
	for (unsigned i = 0; i < PEERS; i++)
		peer_pump(&peers[i]);
}

/* The queue only: peer_allow() lets it go. */
static void peer_queue(struct peer *peer, const void *octets, size_t len)
{
	octets_add(&peer->out, octets, len);
}

static void peer_allow(struct peer *peer, size_t len)
{
	peer->out_allowed += len;
	assert_true(peer->out_allowed <= peer->out.len);
}

static void peer_send(struct peer *peer, const void *octets, size_t len)
{
	peer_queue(peer, octets, len);
	peer_allow(peer, len);
}

static size_t head_make(const struct peer *peer, uint64_t len, uint8_t head[9])
{
	size_t at = 0;

	if (peer->is_ipc)
		head[at++] = 1;
	for (int i = 0; i < 8; i++)
		head[at++] = (uint8_t)(len >> (56 - 8 * i));
	return at;
}

static void peer_queue_head(struct peer *peer, uint64_t len)
{
	uint8_t head[9];

	peer_queue(peer, head, head_make(peer, len, head));
}

static size_t peer_queue_frame(struct peer *peer, size_t len, unsigned seed)
{
	size_t before = peer->out.len;
	uint8_t *at;

	peer_queue_head(peer, len);
	at = octets_room(&peer->out, len);
	for (size_t i = 0; i < len; i++)
		at[i] = pattern(i, seed);
	return peer->out.len - before;
}

static void peer_send_frame(struct peer *peer, size_t len, unsigned seed)
{
	peer_allow(peer, peer_queue_frame(peer, len, seed));
}

static void peer_close(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	octets_free(&peer->out);
	octets_free(&peer->in);
	*peer = (struct peer){ .fd = -1 };
}

/* --- the server under test --- */

static struct io_server *server;
static int listen_tcp, listen_ipc;
static struct io_peer_rules rules_tcp, rules_ipc = { .is_ipc = true };
static struct io_frame held[RECEIVED_MAX];
static struct received {
	struct octets octets;
	enum io_frame_state state;
	uint64_t announced;
} received[RECEIVED_MAX];
static size_t received_count, held_count;
static bool hold;                   /* frames are kept, not released */
static size_t reply_octets;         /* of the reply to each frame; SIZE_MAX: none */
static struct io_conn *ref_of_last; /* with `keep_ref` */
static bool keep_ref, close_within_frame, close_at_once;

static void reply_make(struct io_conn *conn, size_t len, unsigned seed)
{
	uint8_t *at = io_conn_reply(conn, len);

	for (size_t i = 0; at && i < len; i++)
		at[i] = pattern(i, seed);
}

static void on_frame(void *arg, struct io_conn *conn, struct io_frame frame)
{
	struct received *to = &received[received_count];

	assert_ptr_equal(arg, &server);
	assert_true(received_count < RECEIVED_MAX);
	octets_add(&to->octets, frame.octets.ptr, frame.octets.len);
	to->state = frame.state;
	to->announced = frame.announced;
	if (keep_ref && !ref_of_last)
		ref_of_last = io_conn_ref(conn);
	if (reply_octets != SIZE_MAX)
		reply_make(conn, reply_octets, (unsigned)received_count);
	received_count++;
	if (close_within_frame)
		io_server_close(server, close_at_once);
	if (hold)
		held[held_count++] = frame;
	else
		io_frame_release(&frame);
}

static unsigned turns_with[IO_BACKLOG_MORE + 1];

static void turn(void)
{
	turns_with[io_server_backlog(server)]++;
	io_server_flush(server);
	assert_int_equal(io_server_backlog(server), IO_BACKLOG_NONE);
	pump();
}

static int listener(int family)
{
	struct sockaddr_in tcp = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un ipc = { .sun_family = AF_UNIX };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	/* A Unix address without a name: the kernel finds one (unix(7), autobind). */
	assert_int_equal(family == AF_INET ? bind(fd, (struct sockaddr *)&tcp, sizeof(tcp))
	                                   : bind(fd, (struct sockaddr *)&ipc, sizeof(sa_family_t)),
	                 0);
	assert_int_equal(listen(fd, 128), 0);
	return fd;
}

static struct io_server_bounds bounds_roomy(void)
{
	return (struct io_server_bounds){ .connections_max = 100,
		                          .frame_octets_max = (size_t)64 << 20,
		                          .frames_octets_max = (size_t)256 << 20,
		                          .connection_octets_max = (size_t)256 << 20,
		                          .reply_octets_max = (size_t)64 << 20,
		                          .stall_ns_max = LOOPING_SAFETY_NS * 10,
		                          .stall_octets_min = 1 };
}

static void server_begin(struct io_server_bounds bounds)
{
	static const struct io_server_ops ops = { .frame = on_frame };
	char problem[IO_PROBLEM_SIZE];

	received_count = held_count = 0;
	hold = keep_ref = close_within_frame = close_at_once = false;
	reply_octets = SIZE_MAX;
	ref_of_last = NULL;
	for (unsigned i = 0; i < PEERS; i++)
		peers[i] = (struct peer){ .fd = -1 };
	looping_begin(turn);
	if (io_server_new(looping.loop, &bounds, PROTOCOL, PEER_PROTOCOL, &ops, &server, &server, problem) != 0)
		fail_msg("%s", problem);
	listen_tcp = listener(AF_INET);
	listen_ipc = listener(AF_UNIX);
	assert_int_equal(io_server_listen(server, listen_tcp, &rules_tcp), 0);
	assert_int_equal(io_server_listen(server, listen_ipc, &rules_ipc), 0);
}

static bool server_is_closed(void)
{
	return io_server_is_closed(server);
}

static void received_forget(void)
{
	for (size_t i = 0; i < received_count; i++)
		octets_free(&received[i].octets);
	received_count = 0;
}

static void server_end(void)
{
	while (held_count)
		io_frame_release(&held[--held_count]);
	io_server_stop_listening(server);
	io_server_close(server, true);
	looping_until(server_is_closed);
	assert_int_equal(io_server_counters(server)->frame_octets_held, 0);
	assert_int_equal(io_server_counters(server)->connections_open, 0);
	io_server_free(server);
	for (unsigned i = 0; i < PEERS; i++)
		peer_close(&peers[i]);
	close(listen_tcp);
	close(listen_ipc);
	looping_end();
	received_forget();
}

static struct peer *peer_connect(unsigned i, bool is_ipc)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	struct peer *peer = &peers[i];

	*peer = (struct peer){ .fd = socket(is_ipc ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
		               .is_ipc = is_ipc,
		               .reads = true };
	assert_true(peer->fd >= 0);
	assert_int_equal(getsockname(is_ipc ? listen_ipc : listen_tcp, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(connect(peer->fd, (struct sockaddr *)&address, len), 0);
	return peer;
}

static void release_held(void)
{
	while (held_count)
		io_frame_release(&held[--held_count]);
}

/* --- conditions --- */

static size_t want_received, want_octets;
static struct peer *watched;

static bool all_received(void)
{
	return received_count >= want_received;
}

static void receive(size_t frames)
{
	want_received = frames;
	looping_until(all_received);
	assert_int_equal(received_count, frames);
}

static bool octets_arrived(void)
{
	return io_server_counters(server)->octets_received >= want_octets;
}

static bool peer_has(void)
{
	return watched->in.len >= want_octets || watched->eof;
}

static void peer_wait(struct peer *peer, size_t octets)
{
	watched = peer;
	want_octets = octets;
	looping_until(peer_has);
	assert_int_equal(peer->in.len, octets);
}

static bool peer_saw_eof(void)
{
	return watched->eof;
}

static void peer_wait_eof(struct peer *peer)
{
	watched = peer;
	looping_until(peer_saw_eof);
}

static unsigned ticks_wanted;

static bool ticks_passed(void)
{
	return looping.ticks >= ticks_wanted;
}

/* Gives what must not happen a chance to. */
static void take_turns(unsigned ticks)
{
	ticks_wanted = looping.ticks + ticks;
	looping_until(ticks_passed);
}

static struct peer *peer_greet(unsigned i, bool is_ipc)
{
	struct peer *peer = peer_connect(i, is_ipc);

	peer_send(peer, greeting_good, sizeof(greeting_good));
	peer_wait(peer, sizeof(greeting_expected));
	assert_memory_equal(peer->in.ptr, greeting_expected, sizeof(greeting_expected));
	peer->in.len = 0;
	return peer;
}

static void check_frame(size_t i, size_t len, unsigned seed)
{
	assert_int_equal(received[i].state, IO_FRAME_WHOLE);
	assert_int_equal(received[i].announced, len);
	assert_int_equal(received[i].octets.len, len);
	for (size_t at = 0; at < len; at++)
		if (received[i].octets.ptr[at] != pattern(at, seed))
			fail_msg("frame %zu of %zu octets differs at %zu", i, len, at);
}

/* --- the greeting --- */

static void test_greeting_refused(void **state)
{
	static const struct {
		const char *name;
		uint8_t octets[8];
	} vectors[] = {
		{ "http", { 'G', 'E', 'T', ' ', '/', ' ', 'H', 'T' } },
		{ "not_zero_first", { 1, 'S', 'P', 0, 0, PEER_PROTOCOL, 0, 0 } },
		{ "lower_case", { 0, 's', 'p', 0, 0, PEER_PROTOCOL, 0, 0 } },
		{ "version_1", { 0, 'S', 'P', 1, 0, PEER_PROTOCOL, 0, 0 } },
		{ "our_own_protocol", { 0, 'S', 'P', 0, 0, PROTOCOL, 0, 0 } },
		{ "protocol_high_octet", { 0, 'S', 'P', 0, 1, PEER_PROTOCOL, 0, 0 } },
		{ "reserved_first", { 0, 'S', 'P', 0, 0, PEER_PROTOCOL, 1, 0 } },
		{ "reserved_second", { 0, 'S', 'P', 0, 0, PEER_PROTOCOL, 0, 1 } },
	};

	(void)state;
	server_begin(bounds_roomy());
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
			struct peer *peer = peer_connect(0, is_ipc);

			peer_send(peer, vectors[i].octets, 8);
			peer_send_frame(peer, 10, 0);
			peer_wait_eof(peer);
			peer_close(peer);
		}
		assert_int_equal(io_server_counters(server)->frames_malformed, (i + 1) * 2);
	}
	assert_int_equal(received_count, 0);
	server_end();
}

static void test_greeting_cut_at_every_octet(void **state)
{
	(void)state;
	server_begin(bounds_roomy());
	for (size_t cut = 0; cut <= sizeof(greeting_good); cut++) {
		struct peer *peer = peer_connect(0, cut % 2);

		peer_queue(peer, greeting_good, sizeof(greeting_good));
		want_octets = (size_t)io_server_counters(server)->octets_received + cut;
		peer_allow(peer, cut);
		looping_until(octets_arrived);
		peer_allow(peer, sizeof(greeting_good) - cut);
		peer_send_frame(peer, 3, 7);
		receive(1);
		check_frame(0, 3, 7);
		received_forget();
		peer_close(peer);
	}
	server_end();
}

/* --- frames however they are cut --- */

static void test_frames_cut_at_every_octet(void **state)
{
	static const size_t lengths[] = { 0, 1, 20, 0, 5 };

	(void)state;
	server_begin(bounds_roomy());
	for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
		struct peer *peer = peer_greet(0, is_ipc);
		size_t total = 0;

		for (size_t cut = 0; cut == 0 || cut <= total; cut++) {
			total = 0;
			for (size_t i = 0; i < COUNT_OF(lengths); i++)
				total += peer_queue_frame(peer, lengths[i], (unsigned)(cut + i));
			want_octets = (size_t)io_server_counters(server)->octets_received + cut;
			peer_allow(peer, cut);
			looping_until(octets_arrived);
			peer_allow(peer, total - cut);
			receive(COUNT_OF(lengths));
			for (size_t i = 0; i < COUNT_OF(lengths); i++)
				check_frame(i, lengths[i], (unsigned)(cut + i));
			received_forget();
		}
		peer_close(peer);
	}
	server_end();
}

static void test_frames_octet_by_octet(void **state)
{
	(void)state;
	server_begin(bounds_roomy());
	for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
		struct peer *peer = peer_greet(0, is_ipc);
		size_t total = 0;

		for (size_t i = 0; i < 4; i++)
			total += peer_queue_frame(peer, i * 3, (unsigned)i);
		for (size_t at = 0; at < total; at++) {
			want_octets = (size_t)io_server_counters(server)->octets_received + 1;
			peer_allow(peer, 1);
			looping_until(octets_arrived);
		}
		receive(4);
		for (size_t i = 0; i < 4; i++)
			check_frame(i, i * 3, (unsigned)i);
		received_forget();
		peer_close(peer);
	}
	server_end();
}

static void test_many_frames_in_one_write(void **state)
{
	(void)state;
	server_begin(bounds_roomy());
	for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
		struct peer *peer = peer_greet(0, is_ipc);
		size_t total = 0;

		for (unsigned i = 0; i < 1000; i++)
			total += peer_queue_frame(peer, i % 200, i);
		peer_allow(peer, total);
		receive(1000);
		for (unsigned i = 0; i < 1000; i++)
			check_frame(i, i % 200, i);
		received_forget();
		peer_close(peer);
	}
	server_end();
}

/* Frames that come whole, that do not, that fill a block, and that no block could hold. */
static void test_large_frames(void **state)
{
	static const struct {
		size_t len, chunk_max;
	} vectors[] = {
		{ IO_BLOCK_OCTETS - 9, 0 },
		{ IO_BLOCK_OCTETS - 8, 0 },
		{ IO_BLOCK_OCTETS - 1, 0 },
		{ IO_BLOCK_OCTETS, 0 },
		{ IO_BLOCK_OCTETS + 1, 0 },
		{ 2 * IO_BLOCK_OCTETS, 0 },
		{ 2 * IO_BLOCK_OCTETS + 1, 0 },
		{ (size_t)1 << 20, 0 },
		{ ((size_t)1 << 20) + 1, 0 },
		{ ((size_t)3 << 20) + 12345, 0 },
		{ (size_t)3 << 20, 40009 },
		{ 200000, 1777 },
		{ 300, 1 },
	};

	(void)state;
	server_begin(bounds_roomy());
	hold = true;
	for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
		struct peer *peer = peer_greet(0, is_ipc);

		for (size_t i = 0; i < COUNT_OF(vectors); i++) {
			peer->chunk_max = vectors[i].chunk_max;
			/* What comes right behind the large frame must not end up in it, nor be lost. */
			peer_send_frame(peer, vectors[i].len, (unsigned)i);
			peer_send_frame(peer, 17, (unsigned)i + 100);
			receive(2);
			check_frame(0, vectors[i].len, (unsigned)i);
			check_frame(1, 17, (unsigned)i + 100);
			assert_int_equal(io_server_counters(server)->frame_octets_held, vectors[i].len + 17);
			while (held_count)
				io_frame_release(&held[--held_count]);
			assert_int_equal(io_server_counters(server)->frame_octets_held, 0);
			received_forget();
		}
		peer_close(peer);
	}
	server_end();
}

static void test_several_connections_at_once(void **state)
{
	(void)state;
	server_begin(bounds_roomy());
	for (unsigned i = 0; i < PEERS; i++)
		peer_greet(i, i % 2);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < PEERS; i++)
			peer_send_frame(&peers[i], 200000 + i, i);
	receive(3 * PEERS);
	for (unsigned i = 0; i < 3 * PEERS; i++)
		check_frame(i, received[i].octets.len, (unsigned)received[i].octets.len - 200000);
	server_end();
}

/* A peer that goes away in the middle of anything takes nothing with it. */
static void test_peer_vanishes(void **state)
{
	static const size_t sent[] = { 0, 1, 8, 9, 20, 70000, 1 << 20 };

	(void)state;
	server_begin(bounds_roomy());
	for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
		for (size_t i = 0; i < COUNT_OF(sent); i++) {
			struct peer *peer = peer_greet(0, is_ipc);

			want_octets = (size_t)io_server_counters(server)->octets_received + sent[i];
			peer_queue_frame(peer, 3 << 20, 0);
			peer_allow(peer, sent[i]);
			if (sent[i] < 70000)
				looping_until(octets_arrived);
			else
				take_turns(5);
			peer_close(peer);
			looping_until(server_is_closed);
			assert_int_equal(io_server_counters(server)->frame_octets_held, 0);
		}
	}
	assert_int_equal(received_count, 0);
	server_end();
}

/* --- frames that are not taken --- */

static void check_refused(size_t i, enum io_frame_state refusal, size_t head, uint64_t announced, unsigned seed)
{
	assert_int_equal(received[i].state, refusal);
	assert_int_equal(received[i].announced, announced);
	assert_int_equal(received[i].octets.len, head);
	for (size_t at = 0; at < head; at++)
		assert_int_equal(received[i].octets.ptr[at], pattern(at, seed));
}

static void test_too_large(void **state)
{
	static const size_t lengths[] = { 101, 500, IO_FRAME_HEAD_OCTETS - 1, IO_FRAME_HEAD_OCTETS,
		                          IO_FRAME_HEAD_OCTETS + 1, 70000, 5 << 20 };
	struct io_server_bounds bounds = bounds_roomy();

	(void)state;
	bounds.frame_octets_max = 100;
	server_begin(bounds);
	for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
		struct peer *peer = peer_greet(0, is_ipc);

		for (size_t i = 0; i < COUNT_OF(lengths); i++) {
			size_t head = lengths[i] < IO_FRAME_HEAD_OCTETS ? lengths[i] : IO_FRAME_HEAD_OCTETS;

			for (unsigned dribble = 0; dribble < 2; dribble++) {
				peer->chunk_max = dribble ? lengths[i] / 10 + 1 : 0;
				peer_send_frame(peer, lengths[i], 3);
				peer_send_frame(peer, 100, 4);
				receive(2);
				check_refused(0, IO_FRAME_TOO_LARGE, head, lengths[i], 3);
				check_frame(1, 100, 4);
				received_forget();
			}
		}
		peer_close(peer);
	}
	assert_int_equal(io_server_counters(server)->frames_too_large, 2 * 2 * COUNT_OF(lengths));
	assert_int_equal(io_server_counters(server)->frame_octets_held, 0);
	server_end();
}

/* The peer hears of it while it still sends. */
static void test_too_large_is_told_at_once(void **state)
{
	struct io_server_bounds bounds = bounds_roomy();
	struct peer *peer;
	size_t total;

	(void)state;
	bounds.frame_octets_max = 100;
	server_begin(bounds);
	reply_octets = 5;
	peer = peer_greet(0, false);
	total = peer_queue_frame(peer, 50000, 3);
	peer_allow(peer, 8 + IO_FRAME_HEAD_OCTETS);
	peer_wait(peer, 8 + 5);
	check_refused(0, IO_FRAME_TOO_LARGE, IO_FRAME_HEAD_OCTETS, 50000, 3);
	peer_allow(peer, total - 8 - IO_FRAME_HEAD_OCTETS);
	peer_send_frame(peer, 10, 4);
	receive(2);
	check_frame(1, 10, 4);
	server_end();
}

/* Nothing may touch a connection any more that was closed by whoever was told: its timer would fire into free memory. */
static void test_close_within_a_refusal(void **state)
{
	struct io_server_bounds bounds = bounds_roomy();
	struct peer *peer;

	(void)state;
	bounds.frame_octets_max = 100;
	bounds.stall_ns_max = LOOPING_TICK_NS;
	server_begin(bounds);
	close_within_frame = close_at_once = true;
	peer = peer_connect(0, false);
	peer_send(peer, greeting_good, sizeof(greeting_good));
	peer_queue_frame(peer, 5000, 3);
	peer_allow(peer, 3000);
	peer_wait_eof(peer);
	looping_until(server_is_closed);
	take_turns(20);
	assert_int_equal(io_server_counters(server)->connections_stalled, 0);
	server_end();
}

/* Nobody sends a gigabyte to hear that it is too much; nor may a length wrap anything. */
static void test_absurd_lengths_close(void **state)
{
	static const uint64_t lengths[] = { (UINT64_C(1) << 30) + 1, UINT64_C(1) << 32, UINT64_MAX - 8, UINT64_MAX };

	(void)state;
	server_begin(bounds_roomy());
	for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
		for (size_t i = 0; i < COUNT_OF(lengths); i++) {
			struct peer *peer = peer_greet(0, is_ipc);

			peer_queue_head(peer, lengths[i]);
			peer_queue(peer, "octets", 6);
			peer_allow(peer, peer->out.len - peer->out_allowed);
			peer_wait_eof(peer);
			peer_close(peer);
		}
	}
	assert_int_equal(received_count, 0);
	server_end();
}

static void test_no_room(void **state)
{
	struct io_server_bounds bounds = bounds_roomy();

	(void)state;
	bounds.frames_octets_max = 1000;
	server_begin(bounds);
	hold = true;
	for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
		struct peer *peer = peer_greet(0, is_ipc);

		peer_send_frame(peer, 600, 1);
		peer_send_frame(peer, 401, 2);
		peer_send_frame(peer, 400, 3);
		receive(3);
		check_frame(0, 600, 1);
		check_refused(1, IO_FRAME_NO_ROOM, 401, 401, 2);
		check_frame(2, 400, 3);
		while (held_count)
			io_frame_release(&held[--held_count]);
		received_forget();
		peer_send_frame(peer, 1000, 4);
		receive(1);
		check_frame(0, 1000, 4);
		io_frame_release(&held[--held_count]);
		received_forget();
		peer_close(peer);
	}
	assert_int_equal(io_server_counters(server)->frames_no_room, 2);
	server_end();
}

/* What one connection holds keeps nobody else out. */
static void test_no_room_on_a_connection(void **state)
{
	struct io_server_bounds bounds = bounds_roomy();

	(void)state;
	bounds.connection_octets_max = 1000;
	server_begin(bounds);
	hold = true;
	for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
		struct peer *peer = peer_greet(0, is_ipc), *other = peer_greet(1, is_ipc);

		peer_send_frame(peer, 600, 1);
		peer_send_frame(peer, 401, 2);
		peer_send_frame(peer, 400, 3);
		receive(3);
		check_frame(0, 600, 1);
		check_refused(1, IO_FRAME_CONN_NO_ROOM, 401, 401, 2);
		check_frame(2, 400, 3);
		peer_send_frame(other, 1000, 4);
		receive(4);
		check_frame(3, 1000, 4);
		/* Held frames keep their count when the connection is gone. */
		peer_close(other);
		release_held();
		received_forget();
		peer_send_frame(peer, 1000, 5);
		receive(1);
		check_frame(0, 1000, 5);
		release_held();
		received_forget();
		peer_close(peer);
	}
	assert_int_equal(io_server_counters(server)->frames_conn_no_room, 2);
	assert_int_equal(io_server_counters(server)->frames_no_room, 0);
	server_end();
}

static size_t received_before, most_in_a_turn, most_before_other;

static bool other_was_received(void)
{
	size_t begin = received_before;
	bool is_there = false;

	if (received_count - begin > most_in_a_turn)
		most_in_a_turn = received_count - begin;
	for (; received_before < received_count; received_before++) {
		if (received[received_before].octets.len != 10)
			continue;
		is_there = true;
		if (received_before - begin > most_before_other)
			most_before_other = received_before - begin;
	}
	return is_there;
}

/*
 * However much lies in its socket, a connection is read no more than once until the others have been; and what all of them send in
 * a turn is bounded.
 */
static void test_reading_is_fair(void **state)
{
	enum { GREEDY_FRAMES = 3000, GREEDY_FRAME = 4000, ROUNDS = 20, TURN_OCTETS = 2 << 20 };
	int room = 1 << 20;

	(void)state;
	server_begin(bounds_roomy());
	(void)peer_greet(0, true);
	(void)peer_greet(1, true);
	(void)setsockopt(peers[0].fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	for (unsigned i = 0; i < GREEDY_FRAMES; i++)
		peer_send_frame(&peers[0], GREEDY_FRAME, i);
	received_before = most_in_a_turn = most_before_other = 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		peer_send_frame(&peers[1], 10, round);
		looping_until(other_was_received);
	}
	assert_in_range(most_before_other, 1, IO_BLOCK_OCTETS / GREEDY_FRAME + 2);
	assert_in_range(most_in_a_turn, most_before_other, (TURN_OCTETS + IO_BLOCK_OCTETS) / GREEDY_FRAME + 2);
	server_end();
}

/* One socket of two that was filled is no sign of it, both are; and it is over when they are empty. */
static void test_full_sockets_are_told(void **state)
{
	enum { FRAME = 20000, FRAMES = 10 }; /* 200 KB: a socket's fill, and most of a block */
	int room = 1 << 20;

	(void)state;
	server_begin(bounds_roomy());
	for (unsigned i = 0; i < 2; i++) {
		(void)peer_greet(i, true);
		(void)setsockopt(peers[i].fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	}
	for (unsigned full = 0; full <= 2; full++) {
		unsigned sent = 0;

		memset(turns_with, 0, sizeof(turns_with));
		for (unsigned i = 0; i < 2; i++)
			for (unsigned frame = 0; frame < (i < full ? FRAMES : 1); frame++)
				peer_send_frame(&peers[i], FRAME, sent++);
		pump();
		receive(sent);
		received_forget();
		assert_int_equal(turns_with[IO_BACKLOG_FULL] > 0, full == 2);
	}
	server_end();
}

/* What a turn reads is bounded, to less when a part is asked for, and told where there is more. */
static void test_more_than_a_turn_reads(void **state)
{
	enum { FRAME = 100000, FRAMES = 20 }; /* 8 MB */
	int room = 4 << 20;
	socklen_t size = sizeof(room);

	(void)state;
	server_begin(bounds_roomy());
	for (unsigned i = 0; i < PEERS; i++) {
		(void)peer_greet(i, true);
		(void)setsockopt(peers[i].fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, size);
	}
	(void)getsockopt(peers[0].fd, SOL_SOCKET, SO_SNDBUF, &room, &size);
	for (unsigned all = 0; all < 2; all++) {
		io_server_read(server, all ? IO_READING_ALL : IO_READING_PART);
		memset(turns_with, 0, sizeof(turns_with));
		for (unsigned i = 0; i < PEERS; i++)
			for (unsigned frame = 0; frame < FRAMES; frame++)
				peer_send_frame(&peers[i], FRAME, i);
		pump();
		receive(PEERS * FRAMES);
		received_forget();
		if (room < 4 << 20)
			break;
		assert_in_range(turns_with[all ? IO_BACKLOG_MORE : IO_BACKLOG_PART], all ? 1 : 3, all ? 3 : 6);
		assert_int_equal(turns_with[all ? IO_BACKLOG_PART : IO_BACKLOG_MORE], 0);
	}
	server_end();
	if (room < 4 << 20)
		skip(); /* who is not root cannot have so much lie in a socket */
}

/* The end of a connection that comes together with its last frame is seen too. */
static void test_end_behind_a_frame(void **state)
{
	(void)state;
	for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
		struct peer *peer;

		server_begin(bounds_roomy());
		peer = peer_greet(0, is_ipc);
		peer_queue_frame(peer, 100, 1);
		assert_int_equal(send(peer->fd, peer->out.ptr + peer->out_at, peer->out.len - peer->out_at, MSG_NOSIGNAL),
		                 peer->out.len - peer->out_at);
		peer_close(peer);
		receive(1);
		check_frame(0, 100, 1);
		looping_until(server_is_closed);
		server_end();
	}
}

static void test_ipc_type_octet(void **state)
{
	static const uint8_t types[] = { 0, 2, 0x31, 255 };

	(void)state;
	server_begin(bounds_roomy());
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		struct peer *peer = peer_greet(0, true);

		peer_queue_frame(peer, 10, 0);
		peer->out.ptr[peer->out_at] = types[i];
		peer_allow(peer, peer->out.len - peer->out_allowed);
		peer_wait_eof(peer);
		peer_close(peer);
		assert_int_equal(io_server_counters(server)->frames_malformed, i + 1);
	}
	assert_int_equal(received_count, 0);
	server_end();
}

/* --- the blocks run out --- */

enum { BLOCK_FRAME = 20000 };

static size_t frames_when_still;
static unsigned still_since;

/* The server has not taken anything for some turns. */
static bool server_stands_still(void)
{
	if (received_count != frames_when_still) {
		frames_when_still = received_count;
		still_since = looping.ticks;
	}
	return looping.ticks >= still_since + 30;
}

static bool received_or_still(void)
{
	return received_count >= want_received || server_stands_still();
}

static struct io_server_bounds bounds_of_few_blocks(void)
{
	struct io_server_bounds bounds = bounds_roomy();

	bounds.frames_octets_max = IO_BLOCKS_LEAST * IO_BLOCK_OCTETS;
	return bounds;
}

/* Frames that are held until no block has room; the last one is not taken. Each is sent alone, to come whole. */
static void starve(struct peer *holder)
{
	hold = true;
	for (want_received = received_count + 1;; want_received++) {
		peer_send_frame(holder, BLOCK_FRAME, (unsigned)want_received);
		frames_when_still = received_count;
		still_since = looping.ticks;
		looping_until(received_or_still);
		if (received_count < want_received)
			return;
		assert_int_equal(received[received_count - 1].state, IO_FRAME_WHOLE);
	}
}

/*
 * Every block is held by frames: reading pauses, but for a frame that was begun; and goes on when one comes back.
 */
static void test_all_blocks_held(void **state)
{
	struct peer *holder, *begun;
	size_t before;

	(void)state;
	server_begin(bounds_of_few_blocks());
	holder = peer_greet(0, true);
	begun = peer_greet(1, true);
	want_octets = (size_t)io_server_counters(server)->octets_received + 50009;
	peer_queue_frame(begun, 60000, 7);
	peer_allow(begun, 50009);
	looping_until(octets_arrived);
	starve(holder);
	before = received_count;
	assert_in_range(before, IO_BLOCKS_LEAST * 9, IO_BLOCKS_LEAST * 13);
	assert_true(io_server_counters(server)->reads_starved > 0);
	assert_int_equal(io_server_counters(server)->block_octets, IO_BLOCKS_LEAST * IO_BLOCK_OCTETS);
	peer_allow(begun, 10000);
	receive(before + 1);
	check_frame(before, 60000, 7);
	release_held();
	receive(before + 2);
	check_frame(before + 1, BLOCK_FRAME, (unsigned)before + 1);
	peer_send_frame(begun, 10, 9);
	receive(before + 3);
	server_end();
}

/* --- replies --- */

static void check_replies(struct peer *peer, size_t count, size_t len)
{
	size_t head = peer->is_ipc ? 9 : 8;
	uint8_t expected[9];

	peer_wait(peer, count * (head + len));
	for (size_t i = 0; i < count; i++) {
		const uint8_t *at = peer->in.ptr + i * (head + len);

		(void)head_make(peer, len, expected);
		assert_memory_equal(at, expected, head);
		for (size_t o = 0; o < len; o++)
			if (at[head + o] != pattern(o, (unsigned)i))
				fail_msg("reply %zu differs at %zu", i, o);
	}
}

static void test_replies_are_gathered_in_order(void **state)
{
	static const size_t lengths[] = { 0, 1, 300, 5000, 100000 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
			struct peer *peer;

			server_begin(bounds_roomy());
			reply_octets = lengths[i];
			peer = peer_greet(0, is_ipc);
			for (unsigned frame = 0; frame < 50; frame++)
				peer_send_frame(peer, 10, frame);
			check_replies(peer, 50, lengths[i]);
			assert_int_equal(io_server_counters(server)->replies_sent, 50);
			server_end();
		}
	}
}

static bool reading_was_paused(void)
{
	return io_server_counters(server)->reads_paused > 0;
}

static void test_slow_reader_is_not_read_from(void **state)
{
	enum { FRAMES = 2000, REPLY = 50000 };
	struct io_server_bounds bounds = bounds_roomy();

	(void)state;
	bounds.reply_octets_max = 1 << 22;
	for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
		struct peer *peer;
		int room = 1 << 16;

		server_begin(bounds);
		reply_octets = REPLY;
		peer = peer_greet(0, is_ipc);
		peer->reads = false;
		(void)setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
		/* In small writes, or all would be received before the first reply is there. */
		peer->chunk_max = 500;
		for (unsigned i = 0; i < FRAMES; i++)
			peer_send_frame(peer, 100, i);
		looping_until(reading_was_paused);
		frames_when_still = 0;
		looping_until(server_stands_still);
		assert_true(received_count < FRAMES);
		/* As soon as the peer reads, all goes on, and nothing is lost. */
		peer->reads = true;
		receive(FRAMES);
		check_replies(peer, FRAMES, REPLY);
		server_end();
	}
}

static bool connection_is_gone(void)
{
	return io_server_counters(server)->connections_open == 0;
}

/* What has been received before reading pauses may ask for any multiple of its own size. */
static void test_flood_of_replies_closes(void **state)
{
	enum { FRAMES = 2000, REPLY = 50000 };
	struct io_server_bounds bounds = bounds_roomy();
	struct peer *peer;

	(void)state;
	bounds.reply_octets_max = 1 << 16;
	server_begin(bounds);
	reply_octets = REPLY;
	peer = peer_greet(0, false);
	peer->reads = false;
	for (unsigned i = 0; i < FRAMES; i++)
		peer_queue_frame(peer, 10, i);
	peer_allow(peer, peer->out.len - peer->out_allowed);
	looping_until(connection_is_gone);
	assert_int_equal(io_server_counters(server)->connections_flooded, 1);
	assert_true(received_count < FRAMES);
	server_end();
}

static void test_close_delivers_what_is_pending(void **state)
{
	enum { REPLY = 5 << 20 };

	(void)state;
	for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
		struct peer *peer;

		server_begin(bounds_roomy());
		reply_octets = REPLY;
		close_within_frame = true;
		peer = peer_greet(0, is_ipc);
		peer_send_frame(peer, 10, 0);
		check_replies(peer, 1, REPLY);
		peer_wait_eof(peer);
		looping_until(server_is_closed);
		server_end();
	}
}

static void test_close_of_idle_connections(void **state)
{
	(void)state;
	server_begin(bounds_roomy());
	for (unsigned i = 0; i < PEERS; i++)
		peer_greet(i, i % 2);
	io_server_close(server, false);
	looping_until(server_is_closed);
	for (unsigned i = 0; i < PEERS; i++)
		peer_wait_eof(&peers[i]);
	server_end();
}

/* At once: within a frame's own call, and while a large frame is on its way. */
static void test_close_at_once(void **state)
{
	struct peer *peer;

	(void)state;
	server_begin(bounds_roomy());
	close_within_frame = close_at_once = true;
	reply_octets = 5 << 20;
	peer = peer_greet(0, false);
	peer_queue_frame(peer_greet(1, true), 3 << 20, 0);
	peer_allow(&peers[1], 1 << 20);
	take_turns(5);
	peer_send_frame(peer, 10, 0);
	peer_send_frame(peer, 10, 0);
	peer_wait_eof(peer);
	peer_wait_eof(&peers[1]);
	looping_until(server_is_closed);
	assert_int_equal(received_count, 1);
	server_end();
}

/* Whoever still works on a request finds its connection closed, not gone. */
static void test_connection_outlives_its_socket(void **state)
{
	struct peer *peer;

	(void)state;
	server_begin(bounds_roomy());
	keep_ref = true;
	peer = peer_greet(0, false);
	peer_send_frame(peer, 10, 0);
	receive(1);
	assert_false(io_conn_is_closed(ref_of_last));
	io_conn_use(ref_of_last)->in_flight++;
	peer_close(peer);
	looping_until(server_is_closed);
	assert_true(io_conn_is_closed(ref_of_last));
	assert_null(io_conn_reply(ref_of_last, 10));
	assert_int_equal(io_conn_use(ref_of_last)->in_flight, 1);
	io_conn_unref(ref_of_last);
	server_end();
}

/* --- bounds of connections and time --- */

static bool two_are_open(void)
{
	return io_server_counters(server)->connections_open == 2;
}

static bool one_is_open(void)
{
	return io_server_counters(server)->connections_open == 1;
}

static void ask(struct peer *peer)
{
	peer_send_frame(peer, 10, 5);
	receive(received_count + 1);
}

/* Where all are at work, there is no room for one more. */
static void test_connection_cap(void **state)
{
	struct io_server_bounds bounds = bounds_roomy();

	(void)state;
	bounds.connections_max = 2;
	server_begin(bounds);
	keep_ref = true;
	ask(peer_greet(0, false));
	io_conn_use(ref_of_last)->in_flight++;
	io_conn_unref(ref_of_last);
	want_octets = (size_t)io_server_counters(server)->octets_received + 8 + 9 + 50;
	(void)peer_greet(1, true);
	peer_queue_frame(&peers[1], 100, 6);
	peer_allow(&peers[1], 9 + 50);
	looping_until(octets_arrived);
	for (unsigned is_ipc = 0; is_ipc < 2; is_ipc++) {
		struct peer *peer = peer_connect(2, is_ipc);

		peer_wait_eof(peer);
		assert_int_equal(peer->in.len, 0);
		peer_close(peer);
	}
	assert_int_equal(io_server_counters(server)->connections_refused, 2);
	assert_int_equal(io_server_counters(server)->connections_evicted, 0);
	assert_true(two_are_open());
	peer_close(&peers[0]);
	looping_until(one_is_open);
	ask(peer_greet(2, false));
	server_end();
}

/* Of those that are idle, the one goes that has been so for longest. */
static void test_idlest_is_evicted(void **state)
{
	struct io_server_bounds bounds = bounds_roomy();

	(void)state;
	bounds.connections_max = 3;
	server_begin(bounds);
	for (unsigned i = 0; i < 3; i++)
		(void)peer_greet(i, i % 2);
	ask(&peers[0]);
	ask(&peers[2]);
	(void)peer_greet(3, false);
	peer_wait_eof(&peers[1]);
	assert_int_equal(io_server_counters(server)->connections_evicted, 1);
	assert_int_equal(io_server_counters(server)->connections_refused, 0);
	ask(&peers[3]);
	peer_close(&peers[1]);
	(void)peer_greet(1, true);
	peer_wait_eof(&peers[0]);
	ask(&peers[2]);
	assert_int_equal(io_server_counters(server)->connections_evicted, 2);
	server_end();
}

static void test_stopped_listening(void **state)
{
	struct peer *peer;

	(void)state;
	server_begin(bounds_roomy());
	peer = peer_greet(0, false);
	io_server_stop_listening(server);
	take_turns(2);
	(void)peer_connect(1, false);
	peer_send(&peers[1], greeting_good, sizeof(greeting_good));
	take_turns(20);
	assert_int_equal(peers[1].in.len, 0);
	assert_int_equal(io_server_counters(server)->connections_accepted, 1);
	peer_send_frame(peer, 10, 5);
	receive(1);
	server_end();
}

static unsigned open_files(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 1000; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Connections that come just before listening stops are accepted or not, but not forgotten. */
static void test_accepted_while_stopping(void **state)
{
	enum { TRIES = 20 };

	(void)state;
	for (unsigned i = 0; i < TRIES; i++) {
		unsigned before;

		server_begin(bounds_roomy());
		take_turns(1);
		before = open_files();
		for (unsigned p = 0; p < PEERS; p++)
			(void)peer_connect(p, p % 2);
		if (i % 2)
			take_turns(i / 2 % 3);
		io_server_stop_listening(server);
		take_turns(2);
		io_server_close(server, true);
		looping_until(server_is_closed);
		for (unsigned p = 0; p < PEERS; p++)
			peer_close(&peers[p]);
		assert_int_equal(open_files(), before);
		server_end();
	}
}

/* Whatever was begun and does not go on is closed. */
static void test_stall_closes(void **state)
{
	static const struct {
		const char *name;
		bool greeted;
		size_t octets; /* of a frame of 300,000, sent before the peer falls silent */
	} vectors[] = {
		{ "silent_from_the_start", false, 0 }, { "within_the_length", true, 3 },
		{ "behind_the_length", true, 9 },     { "within_the_payload", true, 100 },
		{ "within_a_large_payload", true, 150000 },
	};
	struct io_server_bounds bounds = bounds_roomy();

	(void)state;
	bounds.stall_ns_max = 20 * LOOPING_TICK_NS;
	server_begin(bounds);
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct peer *peer = peer_connect(0, i % 2);

		if (vectors[i].greeted)
			peer_send(peer, greeting_good, sizeof(greeting_good));
		peer_queue_frame(peer, 300000, 0);
		peer_allow(peer, vectors[i].octets);
		peer_wait_eof(peer);
		peer_close(peer);
		looping_until(server_is_closed);
		if (io_server_counters(server)->connections_stalled != i + 1)
			fail_msg("%s: not counted", vectors[i].name);
	}
	assert_int_equal(io_server_counters(server)->frame_octets_held, 0);
	server_end();
}

/* A peer with nothing to ask may keep its connection for ever. */
static void test_idle_is_no_stall(void **state)
{
	struct io_server_bounds bounds = bounds_roomy();
	struct peer *peer;

	(void)state;
	bounds.stall_ns_max = 20 * LOOPING_TICK_NS;
	server_begin(bounds);
	peer = peer_connect(0, false);
	peer_send(peer, greeting_good, sizeof(greeting_good));
	peer_send_frame(peer, 10, 1);
	peer_send_frame(peer, 0, 2);
	receive(2);
	take_turns(100);
	assert_int_equal(io_server_counters(server)->connections_stalled, 0);
	peer_send_frame(peer, 10, 3);
	receive(3);
	server_end();
}

static bool dribble_until_closed(void)
{
	if (looping.ticks != ticks_wanted && watched->out.len > watched->out_allowed)
		peer_allow(watched, 1);
	ticks_wanted = looping.ticks;
	return watched->eof;
}

/* An octet now and then is progress, but no reason to lend memory for ever. */
static void test_dribble_is_a_stall(void **state)
{
	(void)state;
	for (unsigned is_too_large = 0; is_too_large < 2; is_too_large++) {
		struct io_server_bounds bounds = bounds_roomy();
		struct peer *peer;

		bounds.stall_ns_max = 50 * LOOPING_TICK_NS;
		bounds.stall_octets_min = 1000;
		if (is_too_large)
			bounds.frame_octets_max = 1000;
		server_begin(bounds);
		peer = peer_greet(0, is_too_large);
		peer_queue_frame(peer, (size_t)2 << 20, 1);
		peer_allow(peer, 3000);
		watched = peer;
		looping_until(dribble_until_closed);
		assert_int_equal(io_server_counters(server)->connections_stalled, 1);
		assert_int_equal(io_server_counters(server)->frame_octets_held, 0);
		server_end();
	}
}

static bool sip; /* the peer takes a little in every tick; else nothing */

static bool send_stalled(void)
{
	uint8_t octets[10];

	if (sip && looping.ticks != ticks_wanted)
		(void)recv(watched->fd, octets, sizeof(octets), MSG_DONTWAIT);
	ticks_wanted = looping.ticks;
	return io_server_counters(server)->connections_send_stalled == 1;
}

static void test_untaken_replies_close(void **state)
{
	struct io_server_bounds bounds = bounds_roomy();

	(void)state;
	bounds.stall_ns_max = 50 * LOOPING_TICK_NS;
	bounds.stall_octets_min = 100000;
	for (unsigned i = 0; i < 4; i++) {
		server_begin(bounds);
		reply_octets = 8 << 20;
		sip = i / 2;
		watched = peer_greet(0, i % 2);
		watched->reads = false;
		peer_send_frame(watched, 10, 0);
		looping_until(send_stalled);
		looping_until(connection_is_gone);
		assert_int_equal(io_server_counters(server)->connections_stalled, 0);
		server_end();
	}
}

/* Taken slowly is taken, as long as it is enough. */
static void test_slowly_taken_replies(void **state)
{
	struct io_server_bounds bounds = bounds_roomy();
	struct peer *peer;

	(void)state;
	bounds.stall_ns_max = 500 * LOOPING_TICK_NS;
	server_begin(bounds);
	reply_octets = 4 << 20;
	peer = peer_greet(0, true);
	peer_send_frame(peer, 10, 0);
	check_replies(peer, 1, 4 << 20);
	take_turns(1000);
	assert_int_equal(io_server_counters(server)->connections_send_stalled, 0);
	server_end();
}

enum { OCTETS_A_TICK = 100 };

static uint64_t octets_seen;
static int64_t progress_ns, gap_ns_max;

/* Sends a little in every tick; notes how long the server went without an octet, on the clock that it uses itself. */
static bool frame_ended_or_conn_closed(void)
{
	uint64_t octets = io_server_counters(server)->octets_received;
	int64_t gap_ns = io_now_ns(looping.loop) - progress_ns;

	if (gap_ns > gap_ns_max)
		gap_ns_max = gap_ns;
	if (octets != octets_seen) {
		octets_seen = octets;
		progress_ns = io_now_ns(looping.loop);
	}
	if (looping.ticks != ticks_wanted && watched->out.len - watched->out_allowed >= OCTETS_A_TICK)
		peer_allow(watched, OCTETS_A_TICK);
	ticks_wanted = looping.ticks;
	return watched->eof || received_count == 2;
}

/*
 * Slow is no stall, for frames that are taken and for those that are not. On a machine that was itself too slow to
 * make progress in time, a closed connection proves nothing: the next attempt allows more time.
 */
static void test_slow_progress_is_no_stall(void **state)
{
	(void)state;
	for (unsigned is_too_large = 0; is_too_large < 2; is_too_large++) {
		int64_t stall_ns = 50 * LOOPING_TICK_NS;
		bool decided = false;

		while (!decided) {
			struct io_server_bounds bounds = bounds_roomy();
			struct peer *peer;

			bounds.stall_ns_max = stall_ns;
			if (is_too_large)
				bounds.frame_octets_max = 1000;
			server_begin(bounds);
			peer = peer_connect(0, false);
			peer_send(peer, greeting_good, sizeof(greeting_good));
			/* Takes four times as long as the stall time. */
			peer_queue_frame(peer, (size_t)(stall_ns / LOOPING_TICK_NS) * 4 * OCTETS_A_TICK, 1);
			peer_queue_frame(peer, OCTETS_A_TICK - 16, 2);
			watched = peer;
			octets_seen = 0;
			gap_ns_max = 0;
			progress_ns = io_now_ns(looping.loop);
			looping_until(frame_ended_or_conn_closed);
			decided = !peer->eof || gap_ns_max < stall_ns / 2;
			if (decided) {
				assert_false(peer->eof);
				assert_int_equal(received[0].state, is_too_large ? IO_FRAME_TOO_LARGE : IO_FRAME_WHOLE);
				check_frame(1, OCTETS_A_TICK - 16, 2);
			}
			stall_ns *= 2;
			server_end();
			/* More time makes larger frames, and those are received in pieces of their own: a machine that is
			 * too busy for this shows nothing. */
			if (!decided && stall_ns > 400 * LOOPING_TICK_NS) {
				print_message("the machine is too busy to see slow progress\n");
				break;
			}
		}
	}
}

static int64_t wait_until_ns;

static bool stall_time_is_over(void)
{
	return io_now_ns(looping.loop) > wait_until_ns;
}

static bool stalled_while_starved(int64_t stall_ns)
{
	struct io_server_bounds bounds = bounds_of_few_blocks();
	struct peer *peer;
	bool stalled;
	size_t before;

	bounds.stall_ns_max = stall_ns;
	server_begin(bounds);
	peer = peer_greet(1, false);
	want_octets = (size_t)io_server_counters(server)->octets_received + 4;
	peer_queue_frame(peer, 200, 0);
	peer_allow(peer, 4);
	looping_until(octets_arrived);
	starve(peer_greet(0, true));
	before = received_count;
	peer_allow(peer, 204);
	wait_until_ns = io_now_ns(looping.loop) + 2 * stall_ns;
	looping_until(stall_time_is_over);
	stalled = io_server_counters(server)->connections_stalled > 0;
	if (!stalled) {
		release_held();
		receive(before + 2);
	}
	server_end();
	return stalled;
}

/* It is us who do not read: the peer is not to blame. A slow machine may need more than one attempt. */
static void test_want_of_blocks_is_no_stall(void **state)
{
	int64_t stall_ns = 1000 * LOOPING_TICK_NS;

	(void)state;
	while (stalled_while_starved(stall_ns)) {
		stall_ns *= 2;
		assert_true(stall_ns < 10000 * LOOPING_TICK_NS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greeting_refused),
		cmocka_unit_test(test_greeting_cut_at_every_octet),
		cmocka_unit_test(test_frames_cut_at_every_octet),
		cmocka_unit_test(test_frames_octet_by_octet),
		cmocka_unit_test(test_many_frames_in_one_write),
		cmocka_unit_test(test_large_frames),
		cmocka_unit_test(test_several_connections_at_once),
		cmocka_unit_test(test_peer_vanishes),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_too_large_is_told_at_once),
		cmocka_unit_test(test_close_within_a_refusal),
		cmocka_unit_test(test_absurd_lengths_close),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_no_room_on_a_connection),
		cmocka_unit_test(test_reading_is_fair),
		cmocka_unit_test(test_full_sockets_are_told),
		cmocka_unit_test(test_more_than_a_turn_reads),
		cmocka_unit_test(test_end_behind_a_frame),
		cmocka_unit_test(test_ipc_type_octet),
		cmocka_unit_test(test_all_blocks_held),
		cmocka_unit_test(test_replies_are_gathered_in_order),
		cmocka_unit_test(test_slow_reader_is_not_read_from),
		cmocka_unit_test(test_flood_of_replies_closes),
		cmocka_unit_test(test_close_delivers_what_is_pending),
		cmocka_unit_test(test_close_of_idle_connections),
		cmocka_unit_test(test_close_at_once),
		cmocka_unit_test(test_connection_outlives_its_socket),
		cmocka_unit_test(test_connection_cap),
		cmocka_unit_test(test_idlest_is_evicted),
		cmocka_unit_test(test_stopped_listening),
		cmocka_unit_test(test_accepted_while_stopping),
		cmocka_unit_test(test_stall_closes),
		cmocka_unit_test(test_dribble_is_a_stall),
		cmocka_unit_test(test_untaken_replies_close),
		cmocka_unit_test(test_slowly_taken_replies),
		cmocka_unit_test(test_idle_is_no_stall),
		cmocka_unit_test(test_slow_progress_is_no_stall),
		cmocka_unit_test(test_want_of_blocks_is_no_stall),
	};

	looping_probe_or_skip();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
