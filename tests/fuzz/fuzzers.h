// The fuzzers' entry functions. libFuzzer calls one (driver.cc); the corpus tests call them all (corpus_test.cc).
#pragma once

#include <string_view>

namespace ph::fuzz {

#define FUZZER(name) void name(std::string_view input);
#include "tests/fuzz/fuzzers.def"
#undef FUZZER

struct Fuzzer {
  const char* name;
  void (*run)(std::string_view input);
};

inline constexpr Fuzzer kFuzzers[] = {
#define FUZZER(name) {#name, &name},
#include "tests/fuzz/fuzzers.def"
#undef FUZZER
};

}  // namespace ph::fuzz
