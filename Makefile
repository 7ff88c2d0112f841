# fire -- one Makefile for the program, its tests and its checks.
#
#   make                     build/release/fire
#   make demo                install what is missing, build, run the main job on the embedded default
#   make test                install what is missing, build, run every test
#   make VARIANT=asan test   the same with another variant: release, debug, asan, tsan, cov
#   make bench               build/release/bench/*, the benchmarks of bench/
#   make lint                format, layers, names, clang-tidy, cppcheck
#   make install PREFIX=DIR  bin/fire and share/fire
#
# Objects live in build/VARIANT, so variants never mix. CC=clang works too.

VARIANT ?= release
PREFIX ?= /usr/local
B := build/$(VARIANT)

PACKAGES := glib-2.0 jansson libcurl libmicrohttpd sqlite3 libjpeg spng libwebp libwebpdemux libgif cairo libpcre2-8
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wundef \
	-Wwrite-strings -Wformat=2 -fno-common
WERROR ?=
VARIANT_release := -O2 -g -D_FORTIFY_SOURCE=2
VARIANT_debug := -O0 -g3
VARIANT_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
VARIANT_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
VARIANT_cov := -O0 -g --coverage
VARIANT_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
ifeq ($(VARIANT_$(VARIANT)),)
$(error unknown VARIANT '$(VARIANT)': release, debug, asan, tsan, cov or fuzz (clang))
endif

# pkg-config is asked only when something is compiled, so that `make test` can install it first.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PACKAGES)))$(PKG_LIBS)
CFLAGS ?=
ALL_CFLAGS = -std=gnu17 -ffp-contract=off -pthread $(WARNINGS) $(WERROR) $(VARIANT_$(VARIANT)) -Isrc -I$(B) $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pthread $(VARIANT_$(VARIANT)) $(LDFLAGS)
LIBS = $(PKG_LIBS) $(GEMM_LIBS_$(GEMM)) -lm

SOURCES := $(sort $(wildcard src/*/*.c src/*/*/*.c))

# src/num/cpu: kernels_*.c and vector_kernels.c hold code for one machine family, and one gemm_*.c is built. The files of
# VECTOR are compiled once for every instruction set of VECTOR_ISAS.
# The thread sanitizer should see our threads only.
GEMM ?= $(if $(filter tsan,$(VARIANT)),none,$(if $(wildcard /usr/include/dnnl.h /usr/local/include/dnnl.h),onednn,$(if $(wildcard /usr/include/cblas.h \
	/usr/include/*/cblas.h),openblas,none)))
GEMM_LIBS_onednn := -ldnnl -l:libgomp.so.1
GEMM_LIBS_openblas := -lopenblas
GEMM_LIBS_none :=
FUSED := -O3 -ffp-contract=fast -Wno-psabi
ISA_avx2 := $(FUSED) -mavx2 -mfma
ISA_avx512 := $(FUSED) -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
ISA_vnni := $(ISA_avx512) -mavx512vnni -mavx512bf16
ISA_amx := $(ISA_vnni) -mamx-tile -mamx-bf16
X86 := $(filter x86_64%,$(shell $(CC) -dumpmachine 2>/dev/null))
VECTOR := src/num/cpu/vector_kernels.c $(addprefix src/num/cpu/kernels_,linear.c elementwise.c attention.c pack.c)
VECTOR_ISAS := $(if $(X86),avx2 avx512)
X86_ONLY := $(addprefix src/num/cpu/,isa_x86.c kernels_vnni.c kernels_amx.c kernels_amx_attention.c)
SOURCES := $(filter-out $(VECTOR) $(filter-out src/num/cpu/gemm_$(GEMM).c src/num/cpu/gemm_blocks.c,$(wildcard src/num/cpu/gemm_*.c)) \
	$(if $(X86),src/num/cpu/isa_none.c,$(X86_ONLY)),$(SOURCES))
PROGRAM_SOURCES := src/cmd/main.c
LIBRARY_SOURCES := $(filter-out $(PROGRAM_SOURCES),$(SOURCES))
VECTOR_OBJECTS := $(foreach isa,$(VECTOR_ISAS),$(VECTOR:src/%.c=$(B)/src/%.$(isa).o))
LIBRARY_OBJECTS := $(LIBRARY_SOURCES:src/%.c=$(B)/src/%.o) $(VECTOR_OBJECTS) $(B)/src/dialogue/embedded_prompts.o
# tests/test_*.c is one test program each; tests/support/*.c is linked into all of them; tests/tools/*.c is one helper program each;
# tests/preload/*.c is one library each that a test preloads into the program (no sanitizer: it must load anywhere).
TEST_SOURCES := $(sort $(wildcard tests/test_*.c))
SUPPORT_OBJECTS := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/support/*.c)))
TESTS := $(TEST_SOURCES:tests/%.c=$(B)/tests/%)
# bench/*.c is one program each, run by hand.
BENCHES := $(patsubst %.c,$(B)/%,$(sort $(wildcard bench/*.c)))
TOOLS := $(patsubst tests/tools/%.c,$(B)/tests/tools/%,$(sort $(wildcard tests/tools/*.c)))
# fuzz/fuzz_*.c is one fuzz target each, linked with a fuzzer (VARIANT=fuzz) or a main that replays files.
FUZZERS := $(patsubst fuzz/%.c,$(B)/fuzz/%,$(sort $(wildcard fuzz/fuzz_*.c)))
FUZZ_MAIN := $(if $(filter fuzz,$(VARIANT)),,$(B)/fuzz/replay.o)
PRELOADS := $(patsubst tests/preload/%.c,$(B)/tests/tools/%.so,$(sort $(wildcard tests/preload/*.c)))
SCRIPT_TESTS := $(sort $(wildcard tests/cli/*.t))
PROMPTS := $(sort $(wildcard share/prompts/*.txt))

.PHONY: all deps demo test check bench fuzzers lint format install uninstall clean FORCE
.DELETE_ON_ERROR:

all: $(B)/fire

deps:
	@tools/install-deps

demo: deps
	@$(MAKE) --no-print-directory all
	@$(B)/fire demo build/demo

test: deps
	@$(MAKE) --no-print-directory check

# GLib's own allocator reuses memory between threads in a way that ThreadSanitizer does not see.
CHECK_ENVIRONMENT := $(if $(filter tsan,$(VARIANT)),G_SLICE=always-malloc TSAN_OPTIONS=suppressions=$(abspath tests/tsan.supp))
# Every test, without a look at the packages. TESTS_MATCH=NAME runs only the tests whose file name holds NAME.
TESTS_MATCH ?=
check: $(B)/fire $(TESTS) $(TOOLS) $(PRELOADS) $(FUZZERS)
	@$(CHECK_ENVIRONMENT) FIRE=$(abspath $(B)/fire) FIRE_TOOLS=$(abspath $(B)/tests/tools) FIRE_FUZZ=$(abspath $(B)/fuzz) FIRE_VARIANT=$(VARIANT) \
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

$(B)/src/%.avx2.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ISA_avx2) -DVECTOR_ISA=avx2 -MMD -MP -c -o $@ $<

$(B)/src/%.avx512.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ISA_avx512) -DVECTOR_ISA=avx512 -MMD -MP -c -o $@ $<

$(B)/src/num/cpu/kernels_vnni.o: ALL_CFLAGS += $(ISA_vnni) -DVECTOR_ISA=avx512
$(B)/src/num/cpu/kernels_amx.o $(B)/src/num/cpu/kernels_amx_attention.o: ALL_CFLAGS += $(ISA_amx)

$(B)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests -MMD -MP -c -o $@ $<

$(TESTS): $(B)/tests/%: $(B)/tests/%.o $(SUPPORT_OBJECTS) $(B)/libfire.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(TOOLS): $(B)/tests/tools/%: $(B)/tests/tools/%.o $(SUPPORT_OBJECTS) $(B)/libfire.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

fuzzers: $(FUZZERS)

$(B)/fuzz/%.o: fuzz/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZERS): $(B)/fuzz/%: $(B)/fuzz/%.o $(FUZZ_MAIN) $(B)/libfire.a
	$(CC) $(ALL_LDFLAGS) $(if $(FUZZ_MAIN),,-fsanitize=fuzzer) -o $@ $^ $(LIBS)

$(PRELOADS): $(B)/tests/tools/%.so: tests/preload/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(WARNINGS) $(WERROR) -O2 -g -shared -fPIC -o $@ $< -ldl

bench: $(BENCHES)

$(B)/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BENCHES): $(B)/bench/%: $(B)/bench/%.o $(B)/libfire.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

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
	clang-format -i $(shell git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'fuzz/*.[ch]')

	clang-format -i $(shell git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]')

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

-include $(LIBRARY_OBJECTS:.o=.d) $(B)/src/cmd/main.d $(TESTS:=.d) $(TOOLS:=.d) $(BENCHES:=.d) $(SUPPORT_OBJECTS:.o=.d) $(FUZZERS:=.d)
