#include "io/peers.h"

#include <stdlib.h>
#include <sys/socket.h>

#define GROUPS_MAX 65536 /* of one process (NGROUPS_MAX) */

static bool address_is_welcome(const struct io_address_rules *rules, int fd)
{
	struct sockaddr_storage storage;
	const struct sockaddr *address = (const struct sockaddr *)&storage;
	socklen_t len = sizeof(storage);

	if (rules->allow.count == 0 && rules->deny.count == 0)
		return true;
	/* Who is gone already has no address any more. */
	if (getpeername(fd, (struct sockaddr *)&storage, &len) < 0)
		return false;
	if (io_addresses_contain(&rules->deny, address))
		return false;
	return rules->allow.count == 0 || io_addresses_contain(&rules->allow, address);
}

static bool user_is_in(const struct io_user_rules *rules, uid_t user)
{
	for (size_t i = 0; i < rules->users_count; i++)
		if (rules->users[i] == user)
			return true;
	return false;
}

static bool group_is_in(const struct io_user_rules *rules, gid_t group)
{
	for (size_t i = 0; i < rules->groups_count; i++)
		if (rules->groups[i] == group)
			return true;
	return false;
}

/* One of the groups beside the primary one. */
static bool other_group_is_in(const struct io_user_rules *rules, int fd)
{
	socklen_t octets = GROUPS_MAX * sizeof(gid_t);
	gid_t *groups = malloc(octets);
	bool found = false;

	if (groups && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &octets) == 0)
		for (size_t i = 0; i < octets / sizeof(*groups) && !found; i++)
			found = group_is_in(rules, groups[i]);
	free(groups);
	return found;
}

static bool user_is_welcome(const struct io_user_rules *rules, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (rules->users_count == 0 && rules->groups_count == 0)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	if (user_is_in(rules, peer.uid))
		return true;
	return rules->groups_count > 0 && (group_is_in(rules, peer.gid) || other_group_is_in(rules, fd));
}

bool io_peer_is_welcome(const struct io_peer_rules *rules, int fd)
{
	if (rules->is_ipc)
		return !rules->users || user_is_welcome(rules->users, fd);
	return !rules->addresses || address_is_welcome(rules->addresses, fd);
}
