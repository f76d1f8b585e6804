/* What names mean in code blocks: what a block has assigned, the fields of TCP_INFO of the socket
 * under test as they are now, and the constants that go with them. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "script/code.h"
#include "script/expression.h"

struct constant {
    const char *name;
    int64_t value;
};

/* As Linux numbers them. */
static const struct constant constants[] = {
    {"True", 1},
    {"False", 0},
    {"TCP_ESTABLISHED", 1},
    {"TCP_SYN_SENT", 2},
    {"TCP_SYN_RECV", 3},
    {"TCP_FIN_WAIT1", 4},
    {"TCP_FIN_WAIT2", 5},
    {"TCP_TIME_WAIT", 6},
    {"TCP_CLOSE", 7},
    {"TCP_CLOSE_WAIT", 8},
    {"TCP_LAST_ACK", 9},
    {"TCP_LISTEN", 10},
    {"TCP_CLOSING", 11},
    {"TCP_CA_Open", 0},
    {"TCP_CA_Disorder", 1},
    {"TCP_CA_CWR", 2},
    {"TCP_CA_Recovery", 3},
    {"TCP_CA_Loss", 4},
    {"TCPI_OPT_TIMESTAMPS", 1},
    {"TCPI_OPT_SACK", 2},
    {"TCPI_OPT_WSCALE", 4},
    {"TCPI_OPT_ECN", 8},
    {"TCPI_OPT_ECN_SEEN", 16},
    {"TCPI_OPT_SYN_DATA", 32},
    {"TCPI_OPT_USEC_TS", 64},
    {"TCPI_OPT_TFO_CHILD", 128},
    {"TCP_INFINITE_SSTHRESH", 0x7fffffff},
};

struct field {
    const char *name;
    size_t offset;
    size_t size;
};

#define FIELD(name)                                                                         \
    {                                                                                       \
#name, offsetof(struct tern_tcp_info, name), sizeof((struct tern_tcp_info){0}.name) \
    }

static const struct field fields[] = {
    FIELD(tcpi_state),
    FIELD(tcpi_ca_state),
    FIELD(tcpi_retransmits),
    FIELD(tcpi_probes),
    FIELD(tcpi_backoff),
    FIELD(tcpi_options),
    FIELD(tcpi_rto),
    FIELD(tcpi_ato),
    FIELD(tcpi_snd_mss),
    FIELD(tcpi_rcv_mss),
    FIELD(tcpi_unacked),
    FIELD(tcpi_sacked),
    FIELD(tcpi_lost),
    FIELD(tcpi_retrans),
    FIELD(tcpi_fackets),
    FIELD(tcpi_last_data_sent),
    FIELD(tcpi_last_ack_sent),
    FIELD(tcpi_last_data_recv),
    FIELD(tcpi_last_ack_recv),
    FIELD(tcpi_pmtu),
    FIELD(tcpi_rcv_ssthresh),
    FIELD(tcpi_rtt),
    FIELD(tcpi_rttvar),
    FIELD(tcpi_snd_ssthresh),
    FIELD(tcpi_snd_cwnd),
    FIELD(tcpi_advmss),
    FIELD(tcpi_reordering),
    FIELD(tcpi_rcv_rtt),
    FIELD(tcpi_rcv_space),
    FIELD(tcpi_total_retrans),
    FIELD(tcpi_pacing_rate),
    FIELD(tcpi_max_pacing_rate),
    FIELD(tcpi_bytes_acked),
    FIELD(tcpi_bytes_received),
    FIELD(tcpi_segs_out),
    FIELD(tcpi_segs_in),
    FIELD(tcpi_notsent_bytes),
    FIELD(tcpi_min_rtt),
    FIELD(tcpi_data_segs_in),
    FIELD(tcpi_data_segs_out),
    FIELD(tcpi_delivery_rate),
    FIELD(tcpi_busy_time),
    FIELD(tcpi_rwnd_limited),
    FIELD(tcpi_sndbuf_limited),
    FIELD(tcpi_delivered),
    FIELD(tcpi_delivered_ce),
    FIELD(tcpi_bytes_sent),
    FIELD(tcpi_bytes_retrans),
    FIELD(tcpi_dsack_dups),
    FIELD(tcpi_reord_seen),
    FIELD(tcpi_rcv_ooopack),
    FIELD(tcpi_snd_wnd),
    FIELD(tcpi_rcv_wnd),
    FIELD(tcpi_rehash),
    FIELD(tcpi_total_rto),
    FIELD(tcpi_total_rto_recoveries),
    FIELD(tcpi_total_rto_time),
    FIELD(tcpi_received_ce),
    FIELD(tcpi_delivered_e1_bytes),
    FIELD(tcpi_delivered_e0_bytes),
    FIELD(tcpi_delivered_ce_bytes),
    FIELD(tcpi_received_e1_bytes),
    FIELD(tcpi_received_e0_bytes),
    FIELD(tcpi_received_ce_bytes),
};

/* Little more than a load, but for sizes that differ. */
static int64_t field_value(const struct tern_tcp_info *info, const struct field *field)
{
    const uint8_t *at = (const uint8_t *)info + field->offset;
    uint64_t wide = 0;
    uint32_t middle = 0;
    uint16_t narrow = 0;
    switch (field->size) {
    case sizeof wide:
        memcpy(&wide, at, sizeof wide);
        return (int64_t)wide;
    case sizeof middle:
        memcpy(&middle, at, sizeof middle);
        return middle;
    case sizeof narrow:
        memcpy(&narrow, at, sizeof narrow);
        return narrow;
    default:
        return *at;
    }
}

/* A field narrower than a byte has no address. */
static bool narrow_field(const struct tern_tcp_info *info, const char *name, int64_t *value)
{
    if (strcmp(name, "tcpi_snd_wscale") == 0)
        *value = info->tcpi_snd_wscale;
    else if (strcmp(name, "tcpi_rcv_wscale") == 0)
        *value = info->tcpi_rcv_wscale;
    else if (strcmp(name, "tcpi_delivery_rate_app_limited") == 0)
        *value = info->tcpi_delivery_rate_app_limited;
    else if (strcmp(name, "tcpi_ecn_mode") == 0)
        *value = info->tcpi_ecn_mode;
    else if (strcmp(name, "tcpi_accecn_opt_seen") == 0)
        *value = info->tcpi_accecn_opt_seen;
    else if (strcmp(name, "tcpi_accecn_fail_mode") == 0)
        *value = info->tcpi_accecn_fail_mode;
    else
        return false;
    return true;
}

static bool find_field(struct code *code, const char *name, int64_t *value)
{
    struct tern_tcp_info info = {0};
    socklen_t length = sizeof info;
    const struct connection *c = code->run->under_test;
    int fd = c && !c->closed ? c->live_fd : -1;
    if (tern_getsockopt(code->run->tern, fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) {
        code_fail(code, "%s: no TCP_INFO of the socket under test (is it accepted?)", name);
        return true;
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(fields[i].name, name) != 0)
            continue;
        *value = field_value(&info, &fields[i]);
        return true;
    }
    return narrow_field(&info, name, value);
}

static bool find_constant(const char *name, int64_t *value)
{
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        if (strcmp(constants[i].name, name) != 0)
            continue;
        *value = constants[i].value;
        return true;
    }
    return symbol_find(name, value);
}

static void remember(struct code *code, const char *name, struct value value)
{
    struct variable *seen = arena_take(code->run->arena, sizeof *seen);
    *seen = (struct variable){code->looked, name, value};
    code->looked = seen;
}

struct value code_name(struct code *code, const char *name)
{
    int64_t value = 0;
    if (strcmp(name, "None") == 0)
        return (struct value){.kind = VALUE_NONE};
    for (const struct variable *v = code->run->variables; v; v = v->next) {
        if (strcmp(v->name, name) != 0)
            continue;
        remember(code, name, v->value);
        return v->value;
    }
    bool field = strncmp(name, "tcpi_", 5) == 0;
    if (field ? !find_field(code, name, &value) : !find_constant(name, &value))
        code_fail(code, "unknown name %s", name);
    if (field)
        remember(code, name, value_integer(value));
    return value_integer(value);
}

static double number_of(const struct value *value)
{
    return value->kind == VALUE_FLOAT ? value->number : (double)value->integer;
}

static struct value counter(struct code *code, const struct value *name)
{
    uint64_t count = 0;
    if (name->kind != VALUE_TEXT || tern_counter(code->run->tern, name->text, &count) < 0)
        code_fail(code, "tern has no counter %s", value_text(name, code->run->arena));
    struct value value = value_integer((int64_t)count);
    remember(code, name->kind == VALUE_TEXT ? name->text : "counter", value);
    return value;
}

struct value code_call(struct code *code, const char *name, const struct value *arguments,
                       size_t count)
{
    struct value out = count ? arguments[0] : (struct value){.kind = VALUE_NONE};
    if (strcmp(name, "print") == 0)
        return value_tuple(code, arguments, count);
    if (strcmp(name, "counter") == 0 && count == 1)
        return counter(code, &arguments[0]);
    if (strcmp(name, "len") == 0 && count == 1)
        return value_integer((int64_t)out.count);
    bool numbers = count > 0;
    for (size_t i = 0; i < count; i++)
        numbers =
            numbers && (arguments[i].kind == VALUE_INTEGER || arguments[i].kind == VALUE_FLOAT);
    if (numbers && strcmp(name, "int") == 0 && count == 1)
        return value_integer((int64_t)number_of(&out));
    if (numbers && strcmp(name, "abs") == 0 && count == 1 && number_of(&out) < 0) {
        out.integer = -out.integer;
        out.number = -out.number;
        return out;
    }
    if (numbers && strcmp(name, "abs") == 0 && count == 1)
        return out;
    bool least = strcmp(name, "min") == 0;
    if (!numbers || (!least && strcmp(name, "max") != 0)) {
        code_fail(code, "cannot call %s", name);
        return out;
    }
    for (size_t i = 1; i < count; i++)
        if ((number_of(&arguments[i]) < number_of(&out)) == least)
            out = arguments[i];
    return out;
}
