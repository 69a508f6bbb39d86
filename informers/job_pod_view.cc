#include "informers/job_pod_view.h"

#include <charconv>

#include "api/wire_records.h"

namespace ph::informers {

namespace wire = api::wire;

namespace {

// As Go reads a decimal; nothing when it is none, or negative.
std::optional<std::int32_t> read_count(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 0) return std::nullopt;
  return count;
}

void read_metadata(std::string_view bytes, JobPodView& pod) {
  for (wire::Records in(bytes); in.next();) {
    if (in.field() != 12) continue;
    const auto [key, value] = wire::text_entry(in.text());
    if (key == kCompletionIndex) pod.index = read_count(value);
    if (key == kIndexFailures) pod.failures = read_count(value).value_or(0);
    if (key == kIndexIgnoredFailures) pod.ignored_failures = read_count(value).value_or(0);
  }
}

void read_ended(std::string_view bytes, JobPodView::Container& container) {
  container.ended = true;
  for (wire::Records in(bytes); in.next();) {
    if (in.field() == 1) container.exit_code = in.int32();
    if (in.field() == 6 && !in.text().empty()) container.finished = wire_time(in.text());
  }
}

void read_container_status(std::string_view bytes, JobPodView& pod, std::vector<JobPodView::Container>& into) {
  JobPodView::Container& container = into.emplace_back();
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: container.name = Interned(in.text()); break;
      case 2:
        for (wire::Records state(in.text()); state.next();) {
          if (state.field() == 3) read_ended(state.text(), container);
        }
        break;
      case 5: pod.restarts += in.int32(); break;
    }
  }
}

void read_condition(std::string_view bytes, JobPodView& pod) {
  std::string_view type, status, since;
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: type = in.text(); break;
      case 2: status = in.text(); break;
      case 4: since = in.text(); break;
    }
  }
  pod.conditions.emplace_back(type, status);
  if (type == "Ready" && status == "False" && !since.empty()) pod.not_ready_since = wire_time(since);
}

void read_status(std::string_view bytes, JobPodView& pod) {
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 2: read_condition(in.text(), pod); break;
      case 8: read_container_status(in.text(), pod, pod.containers); break;
      case 10: read_container_status(in.text(), pod, pod.init_containers); break;
    }
  }
}

}  // namespace

std::shared_ptr<const JobPodView> JobPodView::decode(std::string_view protobuf) {
  auto pod = std::make_shared<JobPodView>();
  for (wire::Records in(protobuf); in.next();) {
    if (in.field() == 1) read_metadata(in.text(), *pod);
    if (in.field() == 3) read_status(in.text(), *pod);
  }
  return pod;
}

}  // namespace ph::informers
