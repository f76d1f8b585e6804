# The front door; Meson does the work. Each target installs what it needs and this machine lacks.

BUILD ?= build
# Where `make install` puts things, also in a build folder that was last set to another place.
prefix := $(abspath $(or $(PREFIX),/usr/local))
ifneq ($(filter install,$(MAKECMDGOALS)),)
ifneq ($(words $(prefix)),1)
$(error PREFIX "$(PREFIX)" has a space in it, where the answers of pkg-config would be cut)
endif
endif

.PHONY: all demo test bench bench-renew bench-profile bench-profile-renew bench-idle bench-lossy fuzz \
	packetdrill throughput throughput-renew instructions instructions-renew pictures install deb clean

all: $(BUILD)/build.ninja
	@scripts/quietly ninja -C $(BUILD)
	@$(if $(filter-out all,$(MAKECMDGOALS)),:,echo "built: $(BUILD)/tern is the command")

$(BUILD)/build.ninja:
	@echo "building in $(BUILD), which takes some minutes the first time"
	@scripts/deps build
	@scripts/quietly meson setup $(BUILD)

demo: all
	@scripts/deps demo
	@scripts/sandbox scripts/demo $(BUILD)

# A build folder set up before cmocka or the examples' libraries were there learns of them here.
test: all
	@scripts/deps test
	@[ -d $(BUILD)/tests/unit ] && [ -d $(BUILD)/examples/echo_uv.p ] && [ -d $(BUILD)/examples/http_server.p ] || \
		scripts/quietly meson setup --reconfigure $(BUILD) -Dtests=enabled
	@scripts/quietly ninja -C $(BUILD)
	@scripts/test $(BUILD)

# tern beside what people would use instead: RUNS of each measurement (5), WHAT=send,receive,… of them, beside
# PEERS=veth,lwip,…; `scripts/bench --help` says what there is. And the same, to be shown in docs/performance.md.
# With real-time priority (chrt) it is built without: Go's compiler spins for ever under it.
bench: all
	@scripts/deps bench
	@scripts/lwip-source $(BUILD)/bench/lwip
	@scripts/quietly meson setup --reconfigure $(BUILD)
	@scripts/quietly chrt -o 0 ninja -C $(BUILD) bench_programs bench/lossy/bridge
	@scripts/sandbox scripts/bench $(BUILD)
bench-renew: bench
	@scripts/deps pictures
	@scripts/bench-renew $(BUILD) docs/performance.md docs/pictures

# Where the time of some of it goes, by perf; and the same, to be shown in docs/performance.md.
bench-profile bench-profile-renew: all
	@scripts/deps bench-profile
	@scripts/quietly chrt -o 0 ninja -C $(BUILD) bench/bench_tern bench/bench_linux bench/bench_floor
	@scripts/sandbox scripts/bench-profile $(BUILD) $(if $(findstring renew,$@),docs/performance.md)

# What COUNT (50,000) idle connections over TUN take, at tern's end and at Linux's.
bench-idle: all
	@scripts/quietly ninja -C $(BUILD) bench/bench_tern bench/bench_linux
	@scripts/sandbox scripts/bench-idle $(BUILD)

# tern beside Linux over a bad network: RUNS seeds of each, JOBS at a time.
bench-lossy: all
	@scripts/deps demo
	@scripts/quietly ninja -C $(BUILD) bench/lossy/bridge
	@scripts/bench-lossy $(BUILD)

# FUZZ_SECONDS for each fuzzer; FUZZ names the only one to run.
FUZZ_SECONDS ?= 60
fuzz:
	@scripts/deps build test fuzz
	@[ -e $(BUILD)/fuzz/build.ninja ] || CC=clang scripts/quietly meson setup $(BUILD)/fuzz \
		-Dtests=enabled -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
	@scripts/quietly ninja -C $(BUILD)/fuzz
	@scripts/fuzz $(BUILD)/fuzz $(FUZZ_SECONDS) $(FUZZ)

# Plays packetdrill's scripts against the stack: PACKETDRILL is the program (google/packetdrill, built by
# you), SCRIPTS a script or a folder, EXPECT a list of those that must pass (default: all), UNREAD a list of
# those that may end while packets leave which they do not expect (default: all; for google/packetdrill's
# gtests/net/tcp it is tests/packetdrill/unread).
packetdrill: all
	@[ -n "$(PACKETDRILL)" ] && [ -n "$(SCRIPTS)" ] || { \
		echo 'make packetdrill PACKETDRILL=path SCRIPTS=path [EXPECT=list] [UNREAD=list]'; exit 2; }
	@scripts/quietly ninja -C $(BUILD) tests/packetdrill/tern_packetdrill.so
	@scripts/packetdrill --judge "$(PACKETDRILL)" --folder "$(SCRIPTS)" \
		--adapter $(BUILD)/tests/packetdrill/tern_packetdrill.so $(if $(EXPECT),--expect "$(EXPECT)") \
		$(if $(UNREAD),--unread "$(UNREAD)")

# The instructions that the machine takes, counted by callgrind, against what they were; and after a change
# that needs more, or fewer, what they are held to from now on.
instructions instructions-renew: all
	@scripts/deps instructions
	@scripts/quietly ninja -C $(BUILD) bench/bench_instructions
	@scripts/instructions $(if $(findstring renew,$@),renew,check) $(BUILD)/bench/bench_instructions \
		bench/instructions.tsv

# The simulated throughput, all of the table (`make test` looks at a part of it); and after a change for
# the better, what it is held to from now on.
throughput throughput-renew: all
	@scripts/deps test
	@[ -d $(BUILD)/tests/sim ] || scripts/quietly meson configure $(BUILD) -Dtests=enabled
	@scripts/quietly ninja -C $(BUILD) tests/sim/sim_throughput
	@scripts/throughput $(if $(findstring renew,$@),renew,check) $(BUILD)/tests/sim/sim_throughput \
		tests/sim/throughput.tsv $(if $(findstring renew,$@),docs/performance.md)

# The pictures of docs/performance.md, each from a run in virtual time.
pictures: all
	@scripts/deps test pictures
	@[ -d $(BUILD)/tests/sim ] || scripts/quietly meson configure $(BUILD) -Dtests=enabled
	@scripts/quietly ninja -C $(BUILD) tests/sim/sim_trace
	@scripts/plot $(BUILD)/tests/sim/sim_trace docs/pictures

install: all
	@grep -qx 'prefix=$(prefix)' $(BUILD)/meson-private/tern.pc || \
		scripts/quietly meson configure $(BUILD) --prefix='$(prefix)'
	@scripts/quietly meson install -C $(BUILD)
	@scripts/installed $(BUILD)/meson-private/tern.pc

# Debian packages: the library, what developers need, and the command.
deb:
	@scripts/deps build deb
	@scripts/quietly scripts/deb $(BUILD)
	@ls $(BUILD)/deb/*.deb

clean:
	rm -rf $(BUILD)
