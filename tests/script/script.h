/* A script as it was read: options, then events in order. See README.md for the language. */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "script/lex.h"

/* ── Expressions: arguments and results of calls ── */

enum expression_kind {
    EXPRESSION_ELLIPSIS,
    EXPRESSION_INTEGER,
    EXPRESSION_WORD, /* a symbol */
    EXPRESSION_STRING,
    EXPRESSION_OR,     /* the members, or-ed bitwise */
    EXPRESSION_LIST,   /* [ … ] */
    EXPRESSION_STRUCT, /* { … }: members with or without a name */
    EXPRESSION_CALL,   /* htons(8080), inet_addr("192.0.2.1") */
};

struct expression {
    enum expression_kind kind;
    int line;
    int64_t integer;
    const char *text;         /* of words, strings and calls */
    const char *name;         /* of a struct's member, NULL for none */
    struct expression *first; /* its members */
    struct expression *next;  /* its sibling */
    size_t count;             /* of its members */
};

/* ── Packets ── */

enum packet_protocol { PACKET_TCP, PACKET_UDP, PACKET_ICMP };

enum tos_check { TOS_ANY, TOS_ECN, TOS_ECT01, TOS_WHOLE };

enum { OPTIONS_MAX = 40 };

/* What an ICMP message quotes. */
enum quote_kind { QUOTE_TCP, QUOTE_UDP, QUOTE_NONE };

struct packet_spec {
    bool outbound; /* from tern: expected; else injected */
    enum packet_protocol protocol;
    enum tos_check tos_check;
    uint8_t tos; /* the whole byte, or the ECN bits */
    uint8_t ttl; /* 0: any, or the default */
    uint16_t source_port;
    uint16_t destination_port; /* 0: the connection's */
    uint32_t length;           /* of the payload */

    uint16_t flags; /* as in the header: FIN 1 … AE 0x100 */
    uint32_t seq;
    uint32_t ack;
    int32_t window; /* -1: any */
    uint16_t urgent;
    bool options_any; /* <...> */
    uint8_t options_length;
    uint8_t options[OPTIONS_MAX]; /* as on the wire, but for the numbers that are mapped */

    uint8_t icmp_type;
    uint8_t icmp_code;
    uint32_t icmp_mtu; /* 0: none */
    uint16_t icmp_id;
    enum quote_kind quote;
    uint32_t quote_seq;
    uint32_t quote_length;
};

/* ── Calls ── */

struct call_spec {
    const char *name;
    struct expression *arguments; /* a list */
    struct expression *result;
    const char *error; /* "EAGAIN", or NULL */
    bool has_end;      /* may block, until… */
    int64_t end_ns;
};

/* ── Events ── */

enum time_kind { TIME_RELATIVE, TIME_ABSOLUTE, TIME_ANY, TIME_RANGE, TIME_RELATIVE_RANGE };

enum event_kind { EVENT_PACKET, EVENT_CALL, EVENT_COMMAND, EVENT_CODE };

struct event {
    struct event *next;
    int line;
    enum time_kind time_kind;
    int64_t start_ns;
    int64_t end_ns; /* of a range */
    enum event_kind kind;
    struct packet_spec *packet;
    struct call_spec *call;
    const char *text; /* of a command or of code */
};

struct script_option {
    struct script_option *next;
    int line;
    const char *name;
    const char *value; /* NULL for none */
};

struct script {
    struct script_option *options;
    const char *first_command; /* before the first event, or NULL */
    int first_command_line;
    struct event *events;
};

#endif
