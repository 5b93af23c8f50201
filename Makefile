# SPDX-License-Identifier: PostgreSQL
# Thin: meson and the scripts do the work. "make demo" and "make check" set up all they need.
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?=
PREFIX ?= /usr/local

.PHONY: build demo check bench fuzz soak valgrind deb format install clean help

build:
	@scripts/bootstrap build run
	@scripts/build

demo: build
	@scripts/demo

check:
	@scripts/bootstrap build run test
	@scripts/check

bench: build
	@scripts/bootstrap bench
	@scripts/bench

fuzz:
	@scripts/bootstrap build run test
	@scripts/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

valgrind:
	@scripts/bootstrap build run test
	@scripts/valgrind

# The service killed fifty times at random moments, and what it acknowledged counted; and thirty times in an apply or an undo.
soak:
	@scripts/bootstrap build run test
	@scripts/build build-check -Db_sanitize=address,undefined -Db_lundef=false
	@scripts/test-servers
	@FETTLE_SOAK_KILLS=50 FETTLE_BINARY=$(CURDIR)/build-check/src/cli/fettle PATH=/usr/bin:$$PATH \
		python3 -m pytest -q -p no:cacheprovider tests/integration/test_serve.py -k killed_at_random
	@FETTLE_SOAK_STEPS=30 FETTLE_BINARY=$(CURDIR)/build-check/src/cli/fettle PATH=/usr/bin:$$PATH \
		python3 -m pytest -q -s -p no:cacheprovider tests/integration/test_kills.py

deb:
	@scripts/bootstrap build run deb
	@scripts/deb

format:
	@scripts/bootstrap test
	@scripts/format

# A build directory of its own, for the prefix is part of what is built.
install:
	@scripts/bootstrap build run
	@scripts/build build-install --prefix=$(PREFIX)
	@PATH=/usr/bin:$$PATH meson configure build-install --prefix=$(PREFIX)
	@PATH=/usr/bin:$$PATH meson install -C build-install

clean:
	rm -rf build build-*

help:
	@echo "make          build into build/ (installs the Debian packages that are missing)"
	@echo "make demo     a throw-away shop database, and Fettle's advice on it"
	@echo "make check    build with sanitizers, style, unit and integration tests (CHECK_FAST=1: without clang-tidy and fuzz inputs)"
	@echo "make bench    measurements, beside HypoPG"
	@echo "make fuzz     each fuzz target for FUZZ_SECONDS (600); FUZZ_TARGETS=\"sql plan\" names some"
	@echo "make soak     killed 50 times while it collects, 30 times while it changes a target; nothing acknowledged may be lost or doubled"
	@echo "make deb      the Debian package, into build-deb/"
	@echo "make valgrind the unit tests under valgrind"
	@echo "make format   format the C sources"
	@echo "make install  install into PREFIX (/usr/local)"
	@echo "make clean    remove what was built"
