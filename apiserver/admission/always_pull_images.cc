// AlwaysPullImages: images are pulled with the pod's own credentials each time, so that nobody uses a private one that another's pod
// has brought to the node. Upstream: plugin/pkg/admission/alwayspullimages
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/kinds.h"
#include "api/validation/quote.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/containers.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Pod, core::v1::PodSpec;

constexpr const char* kAlways = "Always";

std::set<std::string> images_of(const PodSpec& spec) {
  std::set<std::string> out;
  each_container(spec, [&](const auto& container, const std::string&) { out.insert(container.image()); });
  for (const auto& volume : spec.volumes()) {
    if (volume.volume_source().has_image()) out.insert(volume.volume_source().image().reference());
  }
  return out;
}

bool concerns(const AdmissionRequest& request) {
  if (!is_for(request, "", "pods") || !request.object) return false;
  if (request.operation != "UPDATE") return true;
  const auto before = images_of(request.old_object->as<Pod>().spec()), after = images_of(request.object->as<Pod>().spec());
  return !std::ranges::includes(before, after);
}

class AlwaysPullImages final : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "AlwaysPullImages"; }

  void admit(AdmissionRequest& request) override {
    if (!concerns(request)) return;
    PodSpec& spec = *request.object->as<Pod>().mutable_spec();
    each_container(spec, [](auto& container, const std::string&) { container.set_image_pull_policy(kAlways); });
    for (auto& volume : *spec.mutable_volumes()) {
      if (volume.volume_source().has_image()) volume.mutable_volume_source()->mutable_image()->set_pull_policy(kAlways);
    }
  }

  // A webhook may have had another opinion.
  void validate(const AdmissionRequest& request) override {
    if (!concerns(request)) return;
    std::vector<std::string> problems;
    const auto judge = [&](const std::string& policy, const std::string& path) {
      if (policy == kAlways) return;
      problems.push_back(fmt::format("{}: Unsupported value: {}: supported values: \"{}\"", path, api::quote(policy), kAlways));
    };
    const PodSpec& spec = request.object->as<Pod>().spec();
    each_container(spec, [&](const auto& container, const std::string& path) {
      judge(container.image_pull_policy(), path + ".imagePullPolicy");
    });
    for (int i = 0; i < spec.volumes_size(); ++i) {
      const auto& source = spec.volumes(i).volume_source();
      if (source.has_image()) judge(source.image().pull_policy(), fmt::format("spec.volumes[{}].image.pullPolicy", i));
    }
    if (problems.size() == 1) throw refuse(request, problems.front());
    if (!problems.empty()) throw refuse(request, fmt::format("[{}]", fmt::join(problems, ", ")));
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> always_pull_images(const AdmissionWorld&) { return std::make_unique<AlwaysPullImages>(); }

}  // namespace ph::apiserver::admission
