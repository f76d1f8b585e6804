/* The connections of a script, and how its numbers are those of the wire.
 *
 * A script's sequence numbers are absolute in segments with SYN, and else count from the SYN; the
 * peer's initial number is the script's own, tern's is learnt from its first SYN. Echoed timestamps
 * are translated from what the script says was sent to what was sent. Addresses and ports stand in
 * no script. */
#ifndef SCRIPT_CONNECTION_H
#define SCRIPT_CONNECTION_H

#include "script/script.h"

enum stage {
    STAGE_NEW,
    STAGE_LISTENING,
    STAGE_CONNECTING,  /* connect or sendto was called */
    STAGE_SYN_SENT,    /* and the script has said what the SYN looks like */
    STAGE_SYN_ARRIVED, /* of a listener's child */
    STAGE_SYN_ANSWERED,
    STAGE_ESTABLISHED,
};

struct timestamp_pair {
    struct timestamp_pair *next;
    uint32_t script;
    uint32_t live;
};

/* A byte that may be read out of band, and so be missing from the stream. */
struct urgent_byte {
    struct urgent_byte *next;
    uint32_t position;
};

struct connection {
    struct connection *next; /* the one made before it */
    enum stage stage;
    uint8_t protocol; /* as in the IP header */
    int script_fd;    /* -1: not accepted yet */
    int live_fd;
    bool closed;

    uint32_t local, remote; /* addresses and ports, 0 while unknown */
    uint16_t local_port, remote_port;
    uint32_t local_isn, remote_isn; /* tern's and the script's: on the wire */
    uint32_t script_isn;            /* of tern's SYN, as the script has it */
    uint32_t latest_syn;            /* number of the peer's last SYN */

    struct timestamp_pair *timestamps; /* newest first */
    struct timestamp_pair *first_timestamp;

    uint32_t written; /* position in the stream, or 1, of the next byte to write */
    uint32_t read;    /* and to read */
    struct urgent_byte *urgent;
};

struct packet_view;

/* The distance from script to wire, of tern's numbers and of the peer's. */
uint32_t connection_local_offset(const struct connection *c, bool syn);
uint32_t connection_remote_offset(const struct connection *c, bool syn);

/* Turns a packet on the wire, sent by tern, to what it is in the script's numbers. */
void connection_to_script(const struct connection *c, struct packet_view *view);

/* Remembers what tern sent where the script has `script`. */
void connection_learn_timestamp(struct connection *c, struct arena *arena, uint32_t script,
                                uint32_t live);
/* What to echo for the script's `ecr`: false when it was never sent. */
bool connection_echo(const struct connection *c, bool scaled, uint32_t ecr, uint32_t *live);

/* Takes the written bytes that a call got rid of into account. */
void connection_wrote(struct connection *c, int64_t bytes);
/* Compares what was read with what must be next: the offset of the first byte that differs, or -1.
 * `peek` leaves the position where it is. */
int64_t connection_check_read(struct connection *c, const uint8_t *bytes, size_t length, bool peek);
/* Whether `byte` is what the newest urgent pointer points to. */
bool connection_is_urgent(const struct connection *c, uint8_t byte);

#endif
