# fire -- one Makefile for the program, its tests and its checks.
#
#   make                     build/release/fire
#   make demo                install what is missing, build, run the main job on the embedded default
#   make test                install what is missing, build, run every test
#   make VARIANT=asan test   the same with another variant: release, debug, asan, tsan, cov
#   make lint                format, layers, names, clang-tidy, cppcheck
#   make install PREFIX=DIR  bin/fire and share/fire
#
# Objects live in build/VARIANT, so variants never mix. CC=clang works too.

VARIANT ?= release
PREFIX ?= /usr/local
B := build/$(VARIANT)

PACKAGES := glib-2.0 jansson libcurl libmicrohttpd sqlite3 libjpeg spng libwebp libwebpdemux libgif cairo
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wundef \
	-Wwrite-strings -Wformat=2 -fno-common
WERROR ?=
VARIANT_release := -O2 -g -D_FORTIFY_SOURCE=2
VARIANT_debug := -O0 -g3
VARIANT_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
VARIANT_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
VARIANT_cov := -O0 -g --coverage
ifeq ($(VARIANT_$(VARIANT)),)
$(error unknown VARIANT '$(VARIANT)': release, debug, asan, tsan or cov)
endif

# pkg-config is asked only when something is compiled, so that `make test` can install it first.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PACKAGES)))$(PKG_LIBS)
CFLAGS ?=
ALL_CFLAGS = -std=gnu17 -ffp-contract=off -pthread $(WARNINGS) $(WERROR) $(VARIANT_$(VARIANT)) -Isrc -I$(B) $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pthread $(VARIANT_$(VARIANT)) $(LDFLAGS)
LIBS = $(PKG_LIBS) -lm

SOURCES := $(sort $(wildcard src/*/*.c src/*/*/*.c))
PROGRAM_SOURCES := src/cmd/main.c
LIBRARY_SOURCES := $(filter-out $(PROGRAM_SOURCES),$(SOURCES))
LIBRARY_OBJECTS := $(LIBRARY_SOURCES:src/%.c=$(B)/src/%.o) $(B)/src/dialogue/embedded_prompts.o
# tests/test_*.c is one test program each; tests/support/*.c is linked into all of them; tests/tools/*.c is one helper program each;
# tests/preload/*.c is one library each that a test preloads into the program (no sanitizer: it must load anywhere).
TEST_SOURCES := $(sort $(wildcard tests/test_*.c))
SUPPORT_OBJECTS := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/support/*.c)))
TESTS := $(TEST_SOURCES:tests/%.c=$(B)/tests/%)
TOOLS := $(patsubst tests/tools/%.c,$(B)/tests/tools/%,$(sort $(wildcard tests/tools/*.c)))
PRELOADS := $(patsubst tests/preload/%.c,$(B)/tests/tools/%.so,$(sort $(wildcard tests/preload/*.c)))
SCRIPT_TESTS := $(sort $(wildcard tests/cli/*.t))
PROMPTS := $(sort $(wildcard share/prompts/*.txt))

.PHONY: all deps demo test check lint format install uninstall clean FORCE
.DELETE_ON_ERROR:

all: $(B)/fire

deps:
	@tools/install-deps

demo: deps
	@$(MAKE) --no-print-directory all
	@$(B)/fire demo build/demo

test: deps
	@$(MAKE) --no-print-directory check

# Every test, without a look at the packages. TESTS_MATCH=NAME runs only the tests whose file name holds NAME.
TESTS_MATCH ?=
check: $(B)/fire $(TESTS) $(TOOLS) $(PRELOADS)
	@FIRE=$(abspath $(B)/fire) FIRE_TOOLS=$(abspath $(B)/tests/tools) FIRE_VARIANT=$(VARIANT) \
	FIRE_SHARED=$${FIRE_SHARED:-$(abspath ../shared)} \
	prove --merge --timer --jobs 2 --exec '' $(foreach t,$(TESTS) $(SCRIPT_TESTS),$(if $(TESTS_MATCH),$(if $(findstring $(TESTS_MATCH),$(t)),$(t)),$(t)))

$(B)/fire: $(B)/src/cmd/main.o $(B)/libfire.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/libfire.a: $(LIBRARY_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests -MMD -MP -c -o $@ $<

$(TESTS): $(B)/tests/%: $(B)/tests/%.o $(SUPPORT_OBJECTS) $(B)/libfire.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(TOOLS): $(B)/tests/tools/%: $(B)/tests/tools/%.o $(SUPPORT_OBJECTS) $(B)/libfire.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(PRELOADS): $(B)/tests/tools/%.so: tests/preload/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(WARNINGS) $(WERROR) -O2 -g -shared -fPIC -o $@ $< -ldl

# The prompt templates of share/prompts, compiled in.
$(B)/embedded_prompts.c: tools/embed $(PROMPTS)
	@mkdir -p $(@D)
	tools/embed $(PROMPTS) > $@

$(B)/src/dialogue/embedded_prompts.o: $(B)/embedded_prompts.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# build/VARIANT/build_version.h changes only when the commit does.
$(B)/build_version.h: FORCE
	@mkdir -p $(@D)
	@tools/version > $@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(B)/src/base/version.o: $(B)/build_version.h

lint:
	@tools/install-deps --lint
	@tools/lint

format:
	clang-format -i $(shell git ls-files 'src/*.[ch]' 'tests/*.[ch]')

compile_commands.json: Makefile
	@tools/compile-commands '$(CC) $(ALL_CFLAGS) -Itests' $(SOURCES) $(TEST_SOURCES) > $@

install: all
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/fire/prompts'
	install -m 755 $(B)/fire '$(DESTDIR)$(PREFIX)/bin/fire'
	install -m 644 $(PROMPTS) '$(DESTDIR)$(PREFIX)/share/fire/prompts'

uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/bin/fire'
	rm -rf '$(DESTDIR)$(PREFIX)/share/fire'

clean:
	rm -rf build compile_commands.json

-include $(LIBRARY_OBJECTS:.o=.d) $(B)/src/cmd/main.d $(TESTS:=.d) $(TOOLS:=.d) $(SUPPORT_OBJECTS:.o=.d)
