/*-------------------------------------------------------------------------
 *
 * address.c
 *	  Which addresses belong to everybody's internet.
 *
 * A webhook that leads to an address of one's own network would let whoever
 * writes channels talk to servers that trust that network.  The blocks are
 * those of the IANA registries of special-purpose addresses (RFC 6890) that
 * are not globally reachable, and multicast.
 *
 *-------------------------------------------------------------------------
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "courier/address.h"

/* Addresses that begin with the same bits. */
typedef struct Block
{
	unsigned char first[16];	/* the lowest address */
	int			bits;			/* how many bits they share */
} Block;

static const Block blocks_ipv4[] = {
	{{0}, 8},					/* this network, and unspecified */
	{{10}, 8},					/* private */
	{{100, 64}, 10},			/* shared by the customers of a carrier */
	{{127}, 8},					/* loopback */
	{{169, 254}, 16},			/* link-local */
	{{172, 16}, 12},			/* private */
	{{192, 0, 0}, 24},			/* protocol assignments */
	{{192, 0, 2}, 24},			/* documentation */
	{{192, 88, 99}, 24},		/* relays that are no more */
	{{192, 168}, 16},			/* private */
	{{198, 18}, 15},			/* benchmarks */
	{{198, 51, 100}, 24},		/* documentation */
	{{203, 0, 113}, 24},		/* documentation */
	{{224}, 4},					/* multicast */
	{{240}, 4}					/* reserved, and broadcast */
};

static const Block blocks_ipv6[] = {
	{{0}, 80},					/* unspecified, loopback, IPv4-compatible and IPv4-mapped */
	{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, /* translation within a network */
	{{0x01, 0x00}, 64},			/* discarded */
	{{0x20, 0x01, 0x00}, 23},	/* protocol assignments, Teredo among them */
	{{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
	{{0x3f, 0xff}, 20},			/* documentation */
	{{0x5f, 0x00}, 16},			/* segment routing */
	{{0xfc}, 7},				/* unique local */
	{{0xfe, 0x80}, 10},			/* link-local */
	{{0xfe, 0xc0}, 10},			/* site-local, as it once was */
	{{0xff}, 8}					/* multicast */
};

/* IPv6 addresses that hold an IPv4 one, behind these bits: NAT64 and 6to4. */
static const Block holders[] = {
	{{0x00, 0x64, 0xff, 0x9b}, 96},
	{{0x20, 0x02}, 16}
};

/* Whether an address begins as those of a block do. */
static bool
is_within(const unsigned char *address, const Block *block)
{
	int			bytes = block->bits / 8;
	unsigned char mask = (unsigned char) (0xFF00 >> block->bits % 8);

	return memcmp(address, block->first, bytes) == 0 &&
		(mask == 0 || (address[bytes] & mask) == (block->first[bytes] & mask));
}

/* Whether an address is in one of these blocks. */
static bool
is_in_blocks(const unsigned char *address, const Block *blocks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_within(address, &blocks[i]))
			return true;
	return false;
}

/* Whether an IPv4 address, of 4 bytes, is public. */
static bool
is_public_ipv4(const unsigned char *address)
{
	return !is_in_blocks(address, blocks_ipv4, sizeof(blocks_ipv4) / sizeof(Block));
}

/* Whether an IPv6 address, of 16 bytes, is public, and so is an IPv4 address that it holds. */
static bool
is_public_ipv6(const unsigned char *address)
{
	for (size_t i = 0; i < sizeof(holders) / sizeof(Block); i++)
		if (is_within(address, &holders[i]) && !is_public_ipv4(address + holders[i].bits / 8))
			return false;
	return !is_in_blocks(address, blocks_ipv6, sizeof(blocks_ipv6) / sizeof(Block));
}

/* Whether the address of a socket is public; one that is of neither kind is not. */
bool
address_is_public(const struct sockaddr *address, socklen_t length)
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	if (address->sa_family == AF_INET && length >= sizeof(ipv4))
	{
		memcpy(&ipv4, address, sizeof(ipv4));
		return is_public_ipv4((const unsigned char *) &ipv4.sin_addr);
	}
	if (address->sa_family == AF_INET6 && length >= sizeof(ipv6))
	{
		memcpy(&ipv6, address, sizeof(ipv6));
		return is_public_ipv6((const unsigned char *) &ipv6.sin6_addr);
	}
	return false;
}
