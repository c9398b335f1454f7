# Thin over the CMake presets: each target installs what it needs (tools/packages.txt), then configures, builds, runs.
PREFIX  ?= /usr/local
DESTDIR ?=
SECONDS ?= 30
JOBS    ?= $(shell nproc)
KEEP    ?=
BENCH   ?=
export DESTDIR

empty   =
space   = $(empty) $(empty)

packages = @tools/install_packages.sh
# The end-to-end tests and the demo make network namespaces, which takes root.
as_root  = $(if $(filter 0,$(shell id -u)),,sudo)

# End-to-end tests that `make sanitize` runs too, with the sanitized program at both ends.
sanitized = netns_join|netns_ctrl_c|interop_ppp_daemon

# What starts threads, or does what a thread may do at the same time: all of it runs under ThreadSanitizer. Its shadow memory
# wants addresses that some kernels' randomisation takes, hence setarch.
threaded = kernel unit_io unit_dataplane
unshaken = setarch $(shell uname -m) -R

# What does more with ISTHMUS_SOAK=1.
soaked   = $(patsubst %,tests/interop/test_%.py,esp_scapy esp_xfrm hostile_esp) $(patsubst %,tests/netns/test_%.py,replay disorder roaming rekey arguments recovery ssh_flood shortage)

.PHONY: all build test soak demo style lint sanitize tsan guards fuzz bench install deb clean help
all: build

help:
	@echo "make build            build the program: build/release/bin/isthmus"
	@echo "make demo [KEEP=1]    join two sites made of network namespaces, prove it, undo it"
	@echo "make test             build and run every test"
	@echo "make soak             simulations, the judges of ESP, replay, disorder, forging, rekeys, deaths and shortages at length: five hours"
	@echo "make lint             format, clang-tidy, layering, length of files, the manual's tables"
	@echo "make sanitize         all but most end-to-end tests under AddressSanitizer and UndefinedBehaviorSanitizer"
	@echo "make guards           every guard inverted and opened in turn: some test has to fail"
	@echo "make tsan             what runs in threads, under ThreadSanitizer"
	@echo "make fuzz SECONDS=30  every fuzz target for that many seconds, two at a time"
	@echo "make bench            the benchmarks, half an hour; BENCH=--quick for a glance, BENCH=--write for docs/benchmarks.md"
	@echo "make install          to DESTDIR and PREFIX ($(PREFIX))"
	@echo "make deb              a Debian package: build/deb/*.deb"
	@echo "make clean            remove build/"

build:
	$(packages) build
	@cmake --preset release -DISTHMUS_TESTS=OFF
	@cmake --build --preset release -j $(JOBS)

test:
	$(packages) build net test
	@cmake --preset release -DISTHMUS_TESTS=ON
	@cmake --build --preset release -j $(JOBS)
	@cd build/release && $(as_root) ctest --output-on-failure --no-tests=error -j 2

soak:
	$(packages) build net test
	@cmake --preset release -DISTHMUS_TESTS=ON
	@cmake --build --preset release -j $(JOBS)
	@env ISTHMUS_SOAK=1 build/release/tests/sim --gtest_brief=1
	@$(as_root) env ISTHMUS_SOAK=1 build/release/tests/kernel --gtest_brief=1 --gtest_filter='MonitorTest.*'
	@$(as_root) env ISTHMUS_SOAK=1 ISTHMUS_TEST_SECONDS=21600 /usr/bin/python3 -B -m pytest -p no:cacheprovider -rs -v $(soaked)

demo:
	$(packages) build net
	@cmake --preset release -DISTHMUS_TESTS=OFF >/dev/null
	@cmake --build --preset release -j $(JOBS)
	@$(as_root) env KEEP=$(KEEP) /usr/bin/python3 -B tools/demo.py build/release/bin/isthmus

style:
	$(packages) build test lint
	@status=0; \
	find src tests -name '*.cc' -o -name '*.h' | xargs -r clang-format-19 --dry-run -Werror || status=1; \
	/usr/bin/python3 -B tools/check_layering.py || status=1; \
	/usr/bin/python3 -B tools/check_length.py || status=1; \
	/usr/bin/python3 -B tools/check_docs.py || status=1; \
	exit $$status

lint: style
	@cmake --preset lint >/dev/null
	@/usr/bin/python3 -B tools/run_tidy.py --build build/lint --jobs 2

sanitize:
	$(packages) build net test
	@cmake --preset sanitize
	@cmake --build --preset sanitize -j $(JOBS)
	@rm -f build/sanitize/reports/*
	@cd build/sanitize && $(as_root) ctest --output-on-failure --no-tests=error -j 2 -L 'unit|conformance|sim|fuzz-regress|kernel'
	@cd build/sanitize && $(as_root) ctest --output-on-failure --no-tests=error -R '^($(sanitized))$$'
	@! $(as_root) grep -s . build/sanitize/reports/*

guards:
	$(packages) build net test
	@cmake --preset guards
	@cmake --build --preset guards -j $(JOBS)
	@$(as_root) /usr/bin/python3 -B tools/run_guards.py --build build/guards

tsan:
	$(packages) build net test
	@cmake --preset tsan
	@cmake --build --preset tsan -j $(JOBS) --target $(threaded)
	@cd build/tsan && $(as_root) env TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 $(unshaken) \
	  ctest --output-on-failure --no-tests=error -j 2 -R '^($(subst $(space),|,$(threaded)))$$'

fuzz:
	$(packages) build fuzz
	@cmake --preset fuzz
	@cmake --build --preset fuzz -j $(JOBS)
	@tools/run_fuzz.sh build/fuzz/tests/fuzz $(SECONDS)

bench:
	$(packages) build net test bench
	@cmake --preset release -DISTHMUS_TESTS=ON
	@cmake --build --preset release -j $(JOBS)
	@$(as_root) /usr/bin/python3 -B tests/bench/bench.py --isthmus build/release/bin/isthmus $(BENCH)

install: build
	@cmake --install build/release --prefix $(PREFIX)

deb: build
	$(packages) deb
	@tools/make_deb.sh

clean:
	rm -rf build
