# The front door; Meson does the work.

BUILD ?= build

.PHONY: all test install clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@meson setup $(BUILD)

test: all
	@meson test -C $(BUILD)

install: all
	@meson install -C $(BUILD)

clean:
	rm -rf $(BUILD)
