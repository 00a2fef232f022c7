/*
 * peers.h - who may connect, by what the kernel says of the peer: its address, or its user and groups.
 *
 * Order:     a peer in a deny list is refused; where there is an allow list, who is not in it is refused too.
 * Users:     of an ipc peer, as SO_PEERCRED tells them: those of the process when it connected. root is no exception. Groups are
 *            the primary one and the others (SO_PEERGROUPS).
 * Ownership: lists are borrowed. Threading: nothing is written.
 * Bounds:    IO_PEER_IDS_MAX users and groups each.
 */
#ifndef ASSAY_IO_PEERS_H
#define ASSAY_IO_PEERS_H

#include "io/addresses.h"

#include <sys/types.h>

#define IO_PEER_IDS_MAX 256

struct io_tls;

/* An empty list allows all, or denies nobody. */
struct io_address_rules {
	struct io_addresses allow, deny;
};

struct io_user_rules {
	uid_t users[IO_PEER_IDS_MAX]; /* one of these, or in one of the groups; none of both: everybody */
	gid_t groups[IO_PEER_IDS_MAX];
	size_t users_count, groups_count;
};

/* Of a listening socket. */
struct io_peer_rules {
	bool is_ipc;
	struct io_tls *tls;                       /* NULL: not spoken */
	const struct io_address_rules *addresses; /* not ipc; NULL: everybody */
	const struct io_user_rules *users;        /* ipc; NULL: everybody */
};

bool io_peer_is_welcome(const struct io_peer_rules *rules, int fd);

#endif
