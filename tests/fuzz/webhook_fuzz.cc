// Any text as the answer of an admission webhook, or of a backend that judges images: refused, or a verdict that such a one may give.
// Patches have their own fuzzer.
#include "apiserver/admission/webhook/image_review.h"
#include "apiserver/admission/webhook/review.h"
#include "base/assert.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::apiserver::webhook;

void check(const std::string& text, std::string_view version, bool mutating) {
  try {
    const Verdict verdict = read_review(text, version, "u", mutating);
    if (!mutating && version == "v1") PH_ASSERT(verdict.patch.empty());
    const Verdict again = read_review(text, version, "u", mutating);
    PH_ASSERT(again.allowed == verdict.allowed);
    PH_ASSERT(again.patch == verdict.patch);
    PH_ASSERT(again.warnings == verdict.warnings);
  } catch (const BadAnswer& error) {
    PH_ASSERT(*error.what() != '\0');
  }
}

void check_images(std::string_view text) {
  try {
    const ImageVerdict verdict = read_image_review(text);
    PH_ASSERT(read_image_review(text).allowed == verdict.allowed);
  } catch (const BadAnswer& error) {
    PH_ASSERT(*error.what() != '\0');
  }
}

}  // namespace

void webhook(std::string_view text) {
  check_images(text);
  for (const char* version : {"v1", "v1beta1"}) {
    for (const bool mutating : {false, true}) check(std::string(text), version, mutating);
  }
}

}  // namespace ph::fuzz
