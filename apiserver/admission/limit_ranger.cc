// LimitRanger: limit ranges of the namespace give containers their requests and limits where they say none, and set the least and the
// most that containers, pods and claims of volumes may ask for. Upstream: plugin/pkg/admission/limitranger.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/kinds.h"
#include "api/pod_resources.h"
#include "api/sorted.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/objects.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Container, core::v1::LimitRange, core::v1::LimitRangeItem, core::v1::PersistentVolumeClaim, core::v1::Pod;
using Amounts = api::ResourceAmounts;
using QuantityMap = google::protobuf::Map<std::string, meta::v1::Quantity>;
using Ranges = std::vector<std::unique_ptr<LimitRange>>;

constexpr const char* kAnnotation = "kubernetes.io/limit-ranger";

// -- What is filled in

// Names that were missing, in order.
std::vector<std::string> fill(QuantityMap& into, const QuantityMap& defaults) {
  std::vector<std::string> out;
  for (const auto* entry : sorted(defaults)) {
    if (into.try_emplace(entry->first, entry->second).second) out.push_back(entry->first);
  }
  return out;
}

void fill(Container& container, const char* what, const QuantityMap& requests, const QuantityMap& limits,
          std::vector<std::string>& told) {
  const auto tell = [&](const std::vector<std::string>& names, const char* part) {
    if (!names.empty()) told.push_back(fmt::format("{} {} for {} {}", fmt::join(names, ", "), part, what, container.name()));
  };
  const auto set_limits = fill(*container.mutable_resources()->mutable_limits(), limits);
  tell(fill(*container.mutable_resources()->mutable_requests(), requests), "request");
  tell(set_limits, "limit");
}

// Of several items of one range the last that names a resource counts; of several ranges the first.
void fill(Pod& pod, const LimitRange& range) {
  QuantityMap requests, limits;
  for (const LimitRangeItem& item : range.spec().limits()) {
    if (item.type() != "Container") continue;
    for (const auto* entry : sorted(item.default_request())) requests[entry->first] = entry->second;
    for (const auto* entry : sorted(item.default_())) limits[entry->first] = entry->second;
  }
  if (requests.empty() && limits.empty()) return;
  std::vector<std::string> told;
  for (Container& container : *pod.mutable_spec()->mutable_containers()) fill(container, "container", requests, limits, told);
  for (Container& container : *pod.mutable_spec()->mutable_init_containers()) {
    fill(container, "init container", requests, limits, told);
  }
  if (told.empty()) return;
  (*pod.mutable_metadata()->mutable_annotations())[kAnnotation] =
      fmt::format("LimitRanger plugin set: {}", fmt::join(told, "; "));
}

// -- What is refused

const api::Quantity* amount(const Amounts& amounts, const std::string& name) {
  const auto found = amounts.find(name);
  return found == amounts.end() ? nullptr : &found->second;
}

// What one item says of what one container, or a pod as a whole, asks for.
class Judge {
 public:
  Judge(const LimitRangeItem& item, const Amounts& requests, const Amounts& limits, std::vector<std::string>& out)
      : item_(item), requests_(requests), limits_(limits), out_(out) {}

  void least() {
    for (const auto& [name, bound] : api::amounts_of(item_.min())) {
      const auto *request = amount(requests_, name), *limit = amount(limits_, name);
      if (!request) tell("minimum", name, bound, ".  No request is specified");
      else if (*request < bound) tell("minimum", name, bound, ", but request is " + request->text());
      else if (limit && *limit < bound) tell("minimum", name, bound, ", but limit is " + limit->text());
    }
  }

  void most() {
    for (const auto& [name, bound] : api::amounts_of(item_.max())) {
      const auto *request = amount(requests_, name), *limit = amount(limits_, name);
      if (!limit) tell("maximum", name, bound, ".  No limit is specified");
      else if (*limit > bound) tell("maximum", name, bound, ", but limit is " + limit->text());
      else if (request && *request > bound) tell("maximum", name, bound, ", but request is " + request->text());
    }
  }

  void most_requested() {
    for (const auto& [name, bound] : api::amounts_of(item_.max())) {
      const auto* request = amount(requests_, name);
      if (!request) tell("maximum", name, bound, ".  No request is specified");
      else if (*request > bound) tell("maximum", name, bound, ", but request is " + request->text());
    }
  }

  void ratio() {
    for (const auto& [name, bound] : api::amounts_of(item_.max_limit_request_ratio())) {
      const auto *request = amount(requests_, name), *limit = amount(limits_, name);
      const auto tell = [&](const std::string& why) {
        out_.push_back(fmt::format("{} max limit to request ratio per {} is {}, but {}", name, item_.type(), bound.text(), why));
      };
      if (!request || request->is_zero()) tell("no request is specified or request is 0");
      else if (!limit || limit->is_zero()) tell("no limit is specified or limit is 0");
      else if (const double is = in_units(*limit) / in_units(*request); is > in_units(bound)) {
        tell(fmt::format("provided ratio is {:f}", is));
      }
    }
  }

 private:
  static double in_units(const api::Quantity& quantity) {
    constexpr std::int64_t kTooLargeForMillis = 9'223'372'036'854'775;
    const std::int64_t whole = quantity.value();
    return whole > kTooLargeForMillis ? static_cast<double>(whole) : static_cast<double>(quantity.milli_value()) / 1000;
  }

  void tell(const char* end, const std::string& name, const api::Quantity& bound, const std::string& why) {
    out_.push_back(fmt::format("{} {} usage per {} is {}{}", end, name, item_.type(), bound.text(), why));
  }

  const LimitRangeItem& item_;
  const Amounts &requests_, &limits_;
  std::vector<std::string>& out_;
};

void judge(const LimitRangeItem& item, const Amounts& requests, const Amounts& limits, std::vector<std::string>& out) {
  Judge judge(item, requests, limits, out);
  judge.least();
  judge.most();
  judge.ratio();
}

// A pod as it asks to be: neither what it has been given counts, nor what its runtime class adds.
Pod only_wishes(const Pod& pod) {
  Pod out;
  *out.mutable_spec() = pod.spec();
  out.mutable_spec()->clear_overhead();
  return out;
}

std::vector<std::string> problems(const LimitRange& range, const Pod& pod) {
  std::vector<std::string> out;
  const auto each = [&](const LimitRangeItem& item, const auto& containers) {
    for (const Container& container : containers) {
      judge(item, api::amounts_of(container.resources().requests()), api::amounts_of(container.resources().limits()), out);
    }
  };
  for (const LimitRangeItem& item : range.spec().limits()) {
    if (item.type() == "Container") {
      each(item, pod.spec().containers());
      each(item, pod.spec().init_containers());
    } else if (item.type() == "Pod") {
      const Pod wishes = only_wishes(pod);
      judge(item, api::pod_requests(wishes), api::pod_limits(wishes), out);
    }
  }
  return out;
}

std::vector<std::string> problems(const LimitRange& range, const PersistentVolumeClaim& claim) {
  std::vector<std::string> out;
  const Amounts requests = api::amounts_of(claim.spec().resources().requests()), none;
  for (const LimitRangeItem& item : range.spec().limits()) {
    if (item.type() != "PersistentVolumeClaim") continue;
    Judge judge(item, requests, none, out);
    judge.least();
    judge.most_requested();
  }
  return out;
}

// The same is told once, and one thing alone stands without brackets.
std::string in_one_line(const std::vector<std::string>& problems) {
  std::vector<std::string> told;
  for (const std::string& problem : problems) {
    if (std::ranges::find(told, problem) == told.end()) told.push_back(problem);
  }
  return told.size() == 1 ? told[0] : fmt::format("[{}]", fmt::join(told, ", "));
}

class LimitRanger final : public AdmissionPlugin {
 public:
  explicit LimitRanger(ObjectReader& reader) : reader_(reader) {}
  std::string_view name() const override { return "LimitRanger"; }

  void admit(AdmissionRequest& request) override {
    if (!concerns(request) || !is_of(request, "", "pods")) return;
    for (const auto& range : ranges(request)) fill(request.object->as<Pod>(), *range);
  }

  void validate(const AdmissionRequest& request) override {
    if (!concerns(request)) return;
    for (const auto& range : ranges(request)) {
      const auto found = is_of(request, "", "pods") ? problems(*range, request.object->as<Pod>())
                                                    : problems(*range, request.object->as<PersistentVolumeClaim>());
      if (!found.empty()) throw refuse(request, in_one_line(found));
    }
  }

 private:
  // What a running pod asks for changes only when it is resized.
  static bool concerns(const AdmissionRequest& request) {
    if (!request.object) return false;
    if (is_of(request, "", "pods")) {
      return request.operation == "CREATE" ? request.subresource.empty() : request.subresource == "resize";
    }
    return is_for(request, "", "persistentvolumeclaims") &&
           (request.operation == "CREATE" || !request.object->metadata().has_deletion_timestamp());
  }

  Ranges ranges(const AdmissionRequest& request) { return objects_of<LimitRange>(reader_, request.key.namespace_name); }

  ObjectReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> limit_ranger(const AdmissionWorld& world) { return std::make_unique<LimitRanger>(world.reader); }

}  // namespace ph::apiserver::admission
