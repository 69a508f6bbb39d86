#include "api/validation/workloads.h"

#include <charconv>

#include <fmt/format.h>

#include "api/internal_form.h"

namespace ph::api {

std::optional<LabelSelector> check_own_selector(const meta::v1::LabelSelector* selector, std::string_view kind,
                                                std::string_view unusable, const Path& path, Errors& errors) {
  if (!selector) {
    errors.required(path);
    return LabelSelector::nothing();
  }
  check_label_selector(*selector, path, errors);
  if (is_empty(*selector)) errors.invalid_message(path, *selector, fmt::format("empty selector is invalid for {}", kind));
  auto out = parsed(*selector);
  if (!out) errors.invalid_message(path, *selector, unusable);
  return out;
}

void check_selector_kept(const meta::v1::LabelSelector* now, const meta::v1::LabelSelector* old, const Path& path,
                         Errors& errors) {
  if (now == nullptr && old == nullptr) return;
  if (now != nullptr && old != nullptr && same(*now, *old)) return;
  errors.invalid(path, now ? internal_json(*now) : "null", kImmutable);
}

// What Go makes of a value that is neither a number nor a percentage: the number its text is, or none.
bool is_zero_amount(const meta::v1::IntOrString& value) {
  if (is_int(value)) return value.int_val() == 0;
  if (const auto percent = percent_of(value)) return *percent == 0;
  int number = 0;
  const std::string& text = value.str_val();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error != std::errc() || end != text.data() + text.size() || number == 0;
}

void check_at_most(std::int64_t value, std::int64_t max, std::string_view detail, const Path& path, Errors& errors) {
  if (value > max) errors.invalid(path, value, detail);
}

void check_replica_counts(const ReplicaCounts& counts, const Path& path, Errors& errors) {
  const auto count = [&](std::int64_t value, const char* member) { check_nonnegative(value, path.member(member), errors); };
  count(counts.replicas, "replicas");
  count(counts.fully_labeled, "fullyLabeledReplicas");
  count(counts.ready, "readyReplicas");
  count(counts.available, "availableReplicas");
  count(counts.observed_generation, "observedGeneration");
  constexpr std::string_view kMoreThanAll = "cannot be greater than status.replicas";
  check_at_most(counts.fully_labeled, counts.replicas, kMoreThanAll, path.member("fullyLabeledReplicas"), errors);
  check_at_most(counts.ready, counts.replicas, kMoreThanAll, path.member("readyReplicas"), errors);
  check_at_most(counts.available, counts.replicas, kMoreThanAll, path.member("availableReplicas"), errors);
  check_at_most(counts.available, counts.ready, "cannot be greater than readyReplicas", path.member("availableReplicas"), errors);
}

}  // namespace ph::api
