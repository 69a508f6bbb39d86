// What containers ask for, and what their pod asks for as a whole.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/validation/pod_parts.h"

namespace ph::api {

using namespace core::v1;

namespace {

bool overcommittable(std::string_view name) { return is_native_resource(name) && !is_hugepages(name); }

struct Seen {
  bool cpu_or_memory = false, hugepages = false;
  void see(std::string_view name) {
    cpu_or_memory |= name == "cpu" || name == "memory";
    hugepages |= is_hugepages(name);
  }
};

using NameCheck = void (*)(std::string_view, const Path&, Errors&);

// Pages are whole.
void check_pages(std::string_view name, const meta::v1::Quantity& quantity, const Path& path, Errors& errors) {
  if (!is_hugepages(name)) return;
  const auto amount = quantity_of(quantity);
  const auto page = Quantity::parse(name.substr(std::string_view("hugepages-").size()));
  if (!amount) return;
  const bool whole = page && page->sign() > 0 && page->milli_value() % 1000 == 0;
  if (whole && amount->value() % page->value() == 0) return;
  errors.invalid_text(path, amount->text(), fmt::format("{} is not positive integer multiple of {}", amount->text(), name));
}

void check_amount(NameCheck check_name, std::string_view name, const meta::v1::Quantity& quantity, const Path& path,
                  Errors& errors) {
  check_name(name, path, errors);
  check_resource_value(name, quantity, path, errors);
  check_pages(name, quantity, path, errors);
}

void check_request_and_limit(const std::string& name, const meta::v1::Quantity& request, const ResourceMap& limits_given,
                             const Path& requests, const Path& limits, Errors& errors) {
  const auto limit = limits_given.find(name);
  if (limit == limits_given.end()) {
    if (!overcommittable(name)) errors.required(limits, "Limit must be set for non overcommitable resources");
    return;
  }
  const auto least = quantity_of(request), most = quantity_of(limit->second);
  if (!least || !most) return;
  if (*least != *most && !overcommittable(name)) {
    errors.invalid_text(requests, least->text(), fmt::format("must be equal to {} limit of {}", name, most->text()));
  } else if (*least > *most) {
    errors.invalid_text(requests, least->text(), fmt::format("must be less than or equal to {} limit of {}", name, most->text()));
  }
}

void check_claims(const ResourceRequirements& resources, const std::set<std::string_view>& claims, const Path& path,
                  Errors& errors) {
  std::set<std::string> seen;
  for (int i = 0; i < resources.claims_size(); ++i) {
    const ResourceClaim& claim = resources.claims(i);
    const Path at = path.index(i);
    if (claim.name().empty()) {
      errors.required(at);
      continue;
    }
    std::string key = claim.name();
    // All requests of that claim have been named already.
    if (seen.contains(key)) {
      errors.duplicate(at, key);
    } else {
      if (!claim.request().empty()) {
        check_label(claim.request(), at.member("request"), errors);
        key += "/" + claim.request();
      }
      if (!seen.insert(key).second) errors.duplicate(at, key);
    }
    if (claims.contains(claim.name())) continue;
    errors.not_found(at, claim.name(),
                     claims.empty()
                         ? std::string("must be one of the names in pod.spec.resourceClaims which is empty")
                         : fmt::format("must be one of the names in pod.spec.resourceClaims: {}", fmt::join(claims, ", ")));
  }
}

void check_requirements(const ResourceRequirements& resources, NameCheck check_name, const std::set<std::string_view>& claims,
                        const Path& path, Errors& errors) {
  const Path limits = path.member("limits"), requests = path.member("requests");
  Seen seen;
  for (const auto* limit : sorted(resources.limits())) {
    check_amount(check_name, limit->first, limit->second, limits.key(limit->first), errors);
    seen.see(limit->first);
  }
  for (const auto* request : sorted(resources.requests())) {
    const std::string& name = request->first;
    check_name(name, requests.key(name), errors);
    check_resource_value(name, request->second, requests.key(name), errors);
    check_request_and_limit(name, request->second, resources.limits(), requests, limits, errors);
    check_pages(name, request->second, requests.key(name), errors);
    seen.see(name);
  }
  if (seen.hugepages && !seen.cpu_or_memory) errors.forbidden(path, "HugePages require cpu or memory");
  check_claims(resources, claims, path.member("claims"), errors);
}

void check_pod_resource_name(std::string_view name, const Path& path, Errors& errors) {
  const std::size_t before = errors.size();
  check_resource_name(name, path, errors);
  if (errors.size() != before || name == "cpu" || name == "memory" || is_hugepages(name)) return;
  errors.not_supported(path, name, {"cpu", "hugepages-", "memory"});
}

using Amounts = std::map<std::string_view, Quantity>;

Amounts amounts_of(const ResourceMap& map) {
  Amounts out;
  for (const auto* entry : sorted(map)) {
    if (const auto amount = quantity_of(entry->second)) out[entry->first] = *amount;
  }
  return out;
}

void add(Amounts& to, const Amounts& amounts) {
  for (const auto& [name, amount] : amounts) to[name] += amount;
}
void raise(Amounts& to, const Amounts& amounts) {
  for (const auto& [name, amount] : amounts) {
    const auto [place, fresh] = to.try_emplace(name, amount);
    if (!fresh && amount > place->second) place->second = amount;
  }
}

// What the containers ask for together: init containers run one after the other, beside the sidecars that began before them.
Amounts of_all_containers(const PodSpec& spec, const ResourceMap& (ResourceRequirements::*member)() const) {
  Amounts together, sidecars, most;
  for (const Container& container : spec.containers()) add(together, amounts_of((container.resources().*member)()));
  for (const Container& container : spec.init_containers()) {
    const Amounts own = amounts_of((container.resources().*member)());
    if (container.restart_policy() == "Always") {
      add(together, own);
      add(sidecars, own);
      raise(most, sidecars);
      continue;
    }
    Amounts then = own;
    add(then, sidecars);
    raise(most, then);
  }
  raise(together, most);
  return together;
}

void check_at_least(const Amounts& of_containers, const ResourceMap& of_pod, const char* what, bool only_pages, const Path& path,
                    Errors& errors) {
  for (const auto& [name, amount] : of_containers) {
    const auto found = of_pod.find(std::string(name));
    if (found == of_pod.end() || (only_pages && !is_hugepages(name))) continue;
    const auto given = quantity_of(found->second);
    if (!given || amount <= *given) continue;
    errors.invalid_text(path.key(name), given->text(),
                        fmt::format("must be greater than or equal to aggregate container {} of {}", what, amount.text()));
  }
}

// What a pod asks for as a whole is enough for its containers, and none of them may have more than it.
void check_against_containers(const PodSpec& spec, const Path& path, Errors& errors) {
  const ResourceRequirements& pod = spec.resources();
  check_at_least(of_all_containers(spec, &ResourceRequirements::requests), pod.requests(), "requests", false,
                 path.member("requests"), errors);
  check_at_least(of_all_containers(spec, &ResourceRequirements::limits), pod.limits(), "limits", true, path.member("limits"),
                 errors);
  for (int i = 0; i < spec.containers_size(); ++i) {
    for (const auto* limit : sorted(spec.containers(i).resources().limits())) {
      const auto found = pod.limits().find(limit->first);
      if (found == pod.limits().end()) continue;
      const auto own = quantity_of(limit->second), most = quantity_of(found->second);
      if (!own || !most || *own <= *most) continue;
      errors.invalid_text(path.member("containers").index(i).key(limit->first).member("limits"), own->text(),
                          fmt::format("must be less than or equal to pod limits of {}", most->text()));
    }
  }
}

}  // namespace

void check_container_resources(const ResourceRequirements& resources, const std::set<std::string_view>& claims, const Path& path,
                               Errors& errors) {
  check_requirements(resources, check_container_resource_name, claims, path, errors);
}

void check_pod_resources(const PodSpec& spec, const std::set<std::string_view>& claims, const Path& path, Errors& errors) {
  const ResourceRequirements& resources = spec.resources();
  if (!resources.claims().empty()) errors.forbidden(path.member("claims"), "claims may not be set for Resources at pod-level");
  check_requirements(resources, check_pod_resource_name, claims, path, errors);
  check_against_containers(spec, path, errors);
}

}  // namespace ph::api
