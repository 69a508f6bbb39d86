// libFuzzer's entry to the one fuzzer this program is built for.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/fuzzers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ph::fuzz::PH_FUZZER(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
