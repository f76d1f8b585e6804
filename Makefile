# The front door; Meson does the work. Each target installs what it needs and this machine lacks.

BUILD ?= build

.PHONY: all test install clean

all: $(BUILD)/build.ninja
	@scripts/quietly ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@scripts/deps build
	@scripts/quietly meson setup $(BUILD)

# A build folder set up before cmocka was there learns of it here.
test: all
	@scripts/deps test
	@[ -d $(BUILD)/tests/unit ] || scripts/quietly meson configure $(BUILD) -Dtests=enabled
	@scripts/quietly ninja -C $(BUILD)
	@scripts/test $(BUILD)

install: all
	@meson install -C $(BUILD)

clean:
	rm -rf $(BUILD)
