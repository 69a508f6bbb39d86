#include "apiserver/admission/pod_security/policy.h"

#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/rules.h"

namespace ph::apiserver::pod_security {
namespace {

constexpr std::string_view kPrefix = "pod-security.kubernetes.io/";
constexpr std::string_view kLevels[] = {"privileged", "baseline", "restricted"};

class Reader {
 public:
  Reader(const google::protobuf::Map<std::string, std::string>& labels) : labels_(labels) {}

  // `fallback`: the level that counts where the label makes no sense.
  Standard read(std::string_view mode, Level fallback, Standard out) {
    if (const std::string* text = label(mode); text) {
      const auto level = level_named(*text);
      if (!level) refuse(mode, *text, level_rule());
      out.level = level.value_or(fallback);
    }
    const std::string version = fmt::format("{}-version", mode);
    if (const std::string* text = label(version); text) {
      const auto minor = version_named(*text);
      if (!minor) refuse(version, *text, kVersionRule);
      out.minor = minor.value_or(std::nullopt);
    }
    return out;
  }

  const std::vector<api::FieldError>& problems() const { return errors_.list(); }

 private:
  const std::string* label(std::string_view name) const {
    const auto found = labels_.find(fmt::format("{}{}", kPrefix, name));
    return found == labels_.end() ? nullptr : &found->second;
  }

  void refuse(std::string_view name, std::string_view value, std::string_view why) {
    const std::string key = fmt::format("{}{}", kPrefix, name);
    errors_.invalid_text(api::Path("metadata.labels").key(key), value, why);
  }

  const google::protobuf::Map<std::string, std::string>& labels_;
  api::Errors errors_;
};

}  // namespace

std::optional<Level> level_named(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kLevels); ++i) {
    if (text == kLevels[i]) return static_cast<Level>(i);
  }
  return std::nullopt;
}

// "latest" (no number) or "v1.25". Outer nothing: neither.
std::optional<std::optional<int>> version_named(std::string_view text) {
  if (text == "latest") return std::optional<int>();
  if (!text.starts_with("v1.")) return std::nullopt;
  text.remove_prefix(3);
  int minor = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), minor);
  const bool zero_ahead = text.size() > 1 && text[0] == '0';
  if (error != std::errc() || end != text.data() + text.size() || minor < 0 || zero_ahead) return std::nullopt;
  return std::optional<int>(minor);
}

std::string level_rule() { return fmt::format("must be one of {}", fmt::join(kLevels, ", ")); }

std::string Standard::text() const {
  const std::string version = minor ? fmt::format("v1.{}", *minor) : "latest";
  return fmt::format("{}:{}", kLevels[static_cast<std::size_t>(level)], version);
}

Policy policy_of(const google::protobuf::Map<std::string, std::string>& labels, std::vector<api::FieldError>* problems,
                 const Policy& defaults) {
  Reader reader(labels);
  Policy out;
  out.enforce = reader.read("enforce", Level::Restricted, defaults.enforce);
  out.audit = reader.read("audit", Level::Privileged, defaults.audit);
  out.warn = reader.read("warn", Level::Privileged, defaults.warn);
  if (problems) *problems = reader.problems();
  return out;
}

std::string details_of(const Violations& violations) {
  std::vector<std::string> out;
  for (const Violation& each : violations) {
    out.push_back(each.detail.empty() ? each.reason : fmt::format("{} ({})", each.reason, each.detail));
  }
  return fmt::format("{}", fmt::join(out, ", "));
}

std::string reasons_of(const Violations& violations) {
  std::vector<std::string_view> out;
  for (const Violation& each : violations) out.push_back(each.reason);
  return fmt::format("{}", fmt::join(out, ", "));
}

}  // namespace ph::apiserver::pod_security
