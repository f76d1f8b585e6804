#include "script/sysctl.h"

#include <stdlib.h>
#include <string.h>

/* How a value of Linux's becomes one of ours. */
enum meaning {
    SAME,      /* the same number or word */
    SWITCH,    /* 0 or not */
    BUFFER,    /* three numbers: least, at the start, most */
    US_TO_MS,  /* microseconds to milliseconds */
    FIXED,     /* tern does as with `ours` as the value, and cannot do otherwise */
    IRRELEVANT /* says nothing about what is seen on the wire or by the calls of a script */
};

struct sysctl {
    const char *name;
    enum meaning meaning;
    const char *ours;
};

static const struct sysctl table[] = {
    {"net.ipv4.ip_default_ttl", SAME, "ip.ttl"},
    {"net.ipv4.tcp_window_scaling", SWITCH, "tcp.window_scaling"},
    {"net.ipv4.tcp_timestamps", SWITCH, "tcp.timestamps"},
    {"net.ipv4.tcp_sack", SWITCH, "tcp.sack"},
    {"net.ipv4.tcp_dsack", SWITCH, "tcp.dsack"},
    {"net.ipv4.tcp_frto", SWITCH, "tcp.frto"},
    {"net.ipv4.tcp_early_retrans", SWITCH, "tcp.tail_loss_probe"},
    {"net.ipv4.tcp_reordering", SAME, "tcp.reordering"},
    {"net.ipv4.tcp_max_reordering", SAME, "tcp.max_reordering"},
    {"net.ipv4.tcp_slow_start_after_idle", SWITCH, "tcp.slow_start_after_idle"},
    {"net.ipv4.tcp_congestion_control", SAME, "tcp.congestion_control"},
    {"net.ipv4.tcp_min_rtt_wlen", SAME, "tcp.min_rtt_window_s"},
    {"net.ipv4.tcp_rto_min_us", US_TO_MS, "tcp.rto_min_ms"},
    {"net.ipv4.tcp_rto_max_ms", SAME, "tcp.rto_max_ms"},
    {"net.ipv4.tcp_syn_retries", SAME, "tcp.syn_retries"},
    {"net.ipv4.tcp_synack_retries", SAME, "tcp.synack_retries"},
    {"net.ipv4.tcp_ecn", SAME, "tcp.ecn"},
    {"net.ipv4.tcp_ecn_fallback", SWITCH, "tcp.ecn_fallback"},
    {"net.ipv4.tcp_ecn_option", SAME, "tcp.ecn_option"},
    {"net.ipv4.tcp_ecn_option_beacon", SAME, "tcp.ecn_option_beacon"},
    {"net.ipv4.tcp_syncookies", SAME, "tcp.syncookies"},
    {"net.ipv4.tcp_abort_on_overflow", SWITCH, "tcp.abort_on_overflow"},
    {"net.ipv4.tcp_retries1", SAME, "tcp.retries1"},
    {"net.ipv4.tcp_mtu_probing", SAME, "tcp.mtu_probing"},
    {"net.ipv4.tcp_base_mss", SAME, "tcp.base_mss"},
    {"net.ipv4.tcp_mtu_probe_floor", SAME, "tcp.mtu_probe_floor"},
    {"net.ipv4.tcp_probe_interval", SAME, "tcp.probe_interval_s"},
    {"net.ipv4.tcp_probe_threshold", SAME, "tcp.probe_threshold"},
    {"net.ipv4.tcp_retries2", SAME, "tcp.retries2"},
    {"net.ipv4.tcp_orphan_retries", SAME, "tcp.orphan_retries"},
    {"net.ipv4.tcp_fin_timeout", SAME, "tcp.fin_timeout_s"},
    {"net.ipv4.tcp_rfc1337", SWITCH, "tcp.rfc1337"},
    {"net.ipv4.tcp_keepalive_time", SAME, "tcp.keepalive_time_s"},
    {"net.ipv4.tcp_keepalive_intvl", SAME, "tcp.keepalive_interval_s"},
    {"net.ipv4.tcp_keepalive_probes", SAME, "tcp.keepalive_probes"},
    {"net.ipv4.tcp_rmem", BUFFER, "tcp.rcvbuf"},
    {"net.ipv4.tcp_wmem", BUFFER, "tcp.sndbuf"},
    {"net.ipv4.tcp_fastopen", SAME, "tcp.fastopen"},
    {"net.ipv4.tcp_fastopen_key", SAME, "tcp.fastopen_key"},
    {"net.ipv4.tcp_min_tso_segs", SAME, "tcp.min_tso_segs"},
    {"net.ipv4.tcp_tso_win_divisor", SAME, "tcp.tso_win_divisor"},
    {"net.ipv4.tcp_tso_rtt_log", SAME, "tcp.tso_rtt_log"},
    {"net.ipv4.tcp_pacing_ss_ratio", SAME, "tcp.pacing_ss_ratio"},
    {"net.ipv4.tcp_pacing_ca_ratio", SAME, "tcp.pacing_ca_ratio"},
    {"net.ipv4.tcp_recovery", FIXED, "1"},
    {"net.ipv4.tcp_syn_linear_timeouts", SAME, "tcp.syn_linear_timeouts"},
    {"net.ipv4.tcp_comp_sack_nr", FIXED, "0"},
    {"net.ipv4.tcp_moderate_rcvbuf", FIXED, "1"},
    {"net.ipv4.tcp_fack", FIXED, "0"},
    {"net.ipv4.tcp_no_metrics_save", IRRELEVANT, NULL}, /* nothing is remembered of a peer */
    {"net.ipv4.tcp_autocorking", IRRELEVANT, NULL},     /* there is no queue below to fill up */
};

static void set_buffer(struct run *run, const char *ours, const char *value, int line)
{
    char *end = NULL;
    strtol(value, &end, 10);
    long start = strtol(end, &end, 10);
    long most = strtol(end, &end, 10);
    if (*end != '\0' || start <= 0 || most <= 0) {
        run_fail(run, line, "expected three numbers, not '%s'", value);
        return;
    }
    command_set(run, arena_format(run->arena, "%s_max", ours),
                arena_format(run->arena, "%ld", most), line);
    command_set(run, ours, arena_format(run->arena, "%ld", start), line);
}

static void apply(struct run *run, const struct sysctl *sysctl, const char *value, int line)
{
    switch (sysctl->meaning) {
    case SAME:
        command_set(run, sysctl->ours, value, line);
        break;
    case SWITCH:
        command_set(run, sysctl->ours, strcmp(value, "0") == 0 ? "0" : "1", line);
        break;
    case BUFFER:
        set_buffer(run, sysctl->ours, value, line);
        break;
    case US_TO_MS:
        command_set(run, sysctl->ours,
                    arena_format(run->arena, "%ld", strtol(value, NULL, 10) / 1000), line);
        break;
    case FIXED:
        if (strcmp(value, sysctl->ours) != 0)
            run_fail(run, line, "%s can only be %s here", sysctl->name, sysctl->ours);
        break;
    case IRRELEVANT:
        break;
    }
}

void sysctl_set(struct run *run, const char *name, const char *value, int line)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(table[i].name, name) != 0)
            continue;
        apply(run, &table[i], value, line);
        return;
    }
    run_fail(run, line, "%s means nothing here", name);
}
