// Verdict: what a plugin says of a pod, or of a pod on a node.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ph::scheduler {

enum class Code : std::uint8_t {
  Success,
  Error,                         // something went wrong; the pod is tried again after a backoff
  Unschedulable,                 // not now; preemption may help
  UnschedulableAndUnresolvable,  // not now; preemption does not help
  Wait,                          // permit only: the pod waits before it is bound
  Skip,                          // the plugin has nothing to do with this pod
  Pending,                       // waits for something outside the cluster
};

std::string_view to_string(Code code);

// Reasons are in upstream's words. Made once per node on the hot path, so up to kInline reasons that outlive the
// scheduling cycle (literals, texts in a plugin or its cycle state) are kept by reference; other texts are owned.
class Verdict {
 public:
  static Verdict fits() { return {}; }
  static Verdict skip() { return Verdict(Code::Skip); }
  static Verdict wait() { return Verdict(Code::Wait); }
  // `reason` must outlive the cycle.
  static Verdict unschedulable(std::string_view reason) { return Verdict(Code::Unschedulable).because(reason); }
  static Verdict unresolvable(std::string_view reason) { return Verdict(Code::UnschedulableAndUnresolvable).because(reason); }
  static Verdict pending(std::string_view reason) { return Verdict(Code::Pending).because(reason); }
  static Verdict error(std::string text) { return owning(Code::Error, std::move(text)); }
  // Any code with a text of its own.
  static Verdict owning(Code code, std::string text);

  explicit Verdict(Code code) : code_(code) {}

  Verdict&& because(std::string_view reason) &&;
  void add_reason(std::string_view reason);
  // The same reasons under another code.
  Verdict&& as(Code code) && {
    code_ = code;
    return std::move(*this);
  }
  // The plugin that says so; the framework fills it in. Must be a literal.
  Verdict&& by(std::string_view plugin) && {
    plugin_ = plugin;
    return std::move(*this);
  }

  Code code() const { return code_; }
  bool success() const { return code_ == Code::Success; }
  bool skipped() const { return code_ == Code::Skip; }
  bool waits() const { return code_ == Code::Wait; }
  bool failed() const { return code_ == Code::Error; }
  // Refused for a reason that may pass.
  bool rejected() const {
    return code_ == Code::Unschedulable || code_ == Code::UnschedulableAndUnresolvable || code_ == Code::Pending;
  }
  std::string_view plugin() const { return plugin_; }
  std::vector<std::string_view> reasons() const;
  // The reasons, separated by ", ".
  std::string message() const;

 private:
  Verdict() = default;

  static constexpr std::size_t kInline = 3;
  Code code_ = Code::Success;
  std::uint8_t count_ = 0;
  std::string_view plugin_;
  std::array<std::string_view, kInline> reasons_{};
  std::vector<std::string_view> more_;
  std::string own_;
};

}  // namespace ph::scheduler
