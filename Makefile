# SPDX-License-Identifier: PostgreSQL
# Thin: meson and the scripts do the work. "make demo" and "make check" set up all they need.
FUZZ_SECONDS ?= 600

.PHONY: build demo check bench fuzz format install clean help

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
	@scripts/fuzz $(FUZZ_SECONDS)

format:
	@scripts/format

install: build
	@meson install -C build

clean:
	rm -rf build build-*

help:
	@echo "make demo     a throw-away shop database, and Fettle's advice on it"
	@echo "make check    build with sanitizers, style, unit and integration tests"
	@echo "make bench    measurements, beside HypoPG"
	@echo "make fuzz     each fuzz target for FUZZ_SECONDS (default 600)"
	@echo "make install  install into the prefix"
