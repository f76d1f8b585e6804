"""What was measured, for people: medians with the least and the most, and ratios with theirs."""

import statistics

# What tern aims at: work, figure, which tern, against whom, and how.
TARGETS = (
    ("send", "gbit", "tern", "veth", ">=", 1.5),
    ("send", "gbit", "tern", "lwip", ">=", 15),
    ("send", "gbit", "tern", "gvisor_tso", ">=", 1.9),
    ("send", "gbit", "tern_64k", "veth", ">=", 1.0),
    ("send", "gbit", "tern_64k", "floor_64k", ">=", 0.9),
    ("send", "gbit", "tern_plain", "lwip", ">=", 1.25),
    ("send", "gbit", "tern_large", "lwip_large", ">=", 1),
    ("receive", "gbit", "tern", "veth", ">=", 0.95),
    ("receive", "gbit", "tern", "lwip", ">=", 10),
    ("receive", "gbit", "tern", "smoltcp", ">=", 6),
    ("receive", "gbit", "tern", "gvisor_tso", ">=", 1.6),
    ("receive", "gbit", "tern_plain", "lwip", ">=", 1.7),
    ("receive", "gbit", "tern_plain", "smoltcp", ">=", 1),
    ("receive", "gbit", "tern_large", "lwip_large", ">=", 1),
    ("ask_same_cpu", "p50", "tern", "veth", "<=", 0.8),
    ("ask_spinning", "p50", "tern", "veth", "<=", 0.3),
    ("ask_spinning", "p50", "tern", "floor", "<=", 1.15),
    ("call_spinning", "calls", "tern", "veth", ">=", 1.8),
    ("call32", "calls", "tern", "veth", ">=", 1.7),
    ("call32", "calls", "tern", "gvisor", ">=", 4),
    ("call32", "calls", "tern", "lwip", ">=", 0.95),
)
# The same against another of its own works, and against nothing.
WITHIN = (("send8", "gbit", "send", ">=", 0.9), ("receive8", "gbit", "receive", ">=", 0.9))
ABSOLUTE = (("send", "cpu", "<=", 0.15, "s/GB"), ("receive", "cpu", "<=", 0.14, "s/GB"),
            ("send8", "fair", ">=", 0.9, ""), ("receive8", "fair", ">=", 0.9, ""),
            ("idle", "bytes", "<=", 512, "bytes"))


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values, unit=""):
    middle = number(statistics.median(values)) + (f" {unit}" if unit else "")
    return f"{middle} ({number(min(values))} to {number(max(values))})"


def values_of(results, work, peer, field):
    """Run by run; None where a run failed."""
    return [figures and figures.get(field) for figures in results.get(work, {}).get(peer, [])]


def quotients(ours, theirs):
    return [a / b for a, b in zip(ours, theirs) if a is not None and b]


def ratios(results, work, peer, field, ours="tern"):
    """tern's figure by the peer's of the same run."""
    return quotients(*(values_of(results, work, who, field) for who in (ours, peer)))


def rows(results, work, peers):
    """(title, main figure, ratio, the others) of each peer that was measured."""
    for peer in peers:
        runs = [figures for figures in results.get(work.name, {}).get(peer.name, []) if figures]
        if not runs:
            continue
        others = [f"{name} {number(statistics.median(run[name] for run in runs))}"
                  for name in runs[0] if name != work.field]
        compared = [] if peer.name == "tern" else ratios(results, work.name, peer.name, work.field)
        yield (peer.title, spread([run[work.field] for run in runs], work.unit),
               f"{spread(compared)} x" if compared else "", ", ".join(others))


def notes(peers, results, missing):
    """What has to be known of who was measured, and of who was not."""
    measured = {name for figures in results.values() for name in figures}
    return ([f"{peer.title}: {peer.note}" for peer in peers if peer.note and peer.name in measured] +
            [f"{title}: not measured: {why}" for title, why in missing.items()])


def text(results, works, peers):
    lines = []
    for work in works:
        found = list(rows(results, work, peers))
        if found:
            lines += ["", work.title]
            lines += [f"  {title:<22} {main:<38} {others:<32} {ratio and 'tern: ' + ratio}".rstrip()
                      for title, main, ratio, others in found]
    return "\n".join(lines)


def verdicts(results):
    """(what, measured, target, whether it is met) of each target that was measured."""
    for work, field, ours, peer, how, target in TARGETS:
        found = ratios(results, work, peer, field, ours)
        if found:
            yield (f"{work}, {field}, {ours} by {peer}", spread(found), f"{how} {target:g}",
                   met(statistics.median(found), how, target))
    for work, field, other, how, target in WITHIN:
        found = quotients(*(values_of(results, which, "tern", field) for which in (work, other)))
        if found:
            yield (f"{work} by {other}, {field}", spread(found), f"{how} {target:g}",
                   met(statistics.median(found), how, target))
    for work, field, how, target, unit in ABSOLUTE:
        found = [value for value in values_of(results, work, "tern", field) if value is not None]
        if found:
            yield (f"{work}, {field}", spread(found, unit), f"{how} {target:g}",
                   met(statistics.median(found), how, target))


def met(value, how, target):
    return value >= target if how == ">=" else value <= target


def targets(results):
    found = list(verdicts(results))
    return "\n".join(["", "Targets"] + [
        f"  {what:<39} {measured:<30} target {target:<8} {'met' if good else 'NOT MET'}"
        for what, measured, target, good in found]) if found else ""


def markdown(report, works, peers):
    """The same as tables, for docs/performance.md."""
    results, lines = report["results"], [report["machine"] + "."]
    for work in works:
        found = list(rows(results, work, peers))
        if not found:
            continue
        lines += ["", f"| {work.title} | {work.unit} | tern by it | besides |", "|---|---:|---:|---|"]
        lines += [f"| {title} | {main.replace(' ' + work.unit, '')} | {ratio.replace(' x', '')} | {others} |"
                  for title, main, ratio, others in found]
    lines += ["", "| target | measured | | |", "|---|---:|---:|---|"]
    lines += [f"| {what} | {measured} | {target} | {'met' if good else '**not met**'} |"
              for what, measured, target, good in verdicts(results)]
    lines += [""] + [f"- {note}." for note in notes(peers, results, report.get("missing", {}))]
    return "\n".join(lines)


def put_between(document, mark, text):
    """Replaces what the document has between its two lines with that mark."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- end {mark} -->\n"
    with open(document, encoding="utf-8") as file:
        before, began, rest = file.read().partition(begin)
    _, ended, after = rest.partition(end)
    if not began or not ended:
        raise SystemExit(f"{document} lacks '{begin.strip()}', or '{end.strip()}' behind it: there this was to go:\n{text}")
    with open(document, "w", encoding="utf-8") as file:
        file.write(before + begin + text + "\n" + end + after)
